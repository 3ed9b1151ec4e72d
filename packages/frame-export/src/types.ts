/**
 * The shapes of an exported frame and of a frame source. Types only: importing this module loads nothing,
 * and it resolves where no native file is installed.
 */

export type {
  ChromaSiting,
  ColourRange,
  FrameColours,
  FrameGeometry,
  FrameMetadata,
  PixelFormat,
} from '@vas/ring-buffer';

/**
 * Says where the frames of one camera can be found. Plain data: structured-clone and JSON safe.
 * Holding a reference opens nothing and keeps nothing alive.
 */
export interface FrameSourceRef {
  /** The camera, in the character set that `openCamera` accepts. */
  readonly cameraId: string;
  /** Absolute path of the folder that holds `frame.meta` and `frame.data`. */
  readonly path: string;
  /** Version of the binary layout in those files; see the protocol document. */
  readonly layoutVersion: number;
}
