/** Frame source references as data. This is the only file that knows `@vas/frame-export`, and only its types. */
import type { FrameSourceRef } from '@vas/frame-export/types';
import { quoted, readingAs, RuthError } from './error.js';
import { checkCameraId } from './ids.js';
import { readFields } from './plain-data.js';

export type { FrameSourceRef } from '@vas/frame-export/types';

const MAX_PATH_LENGTH = 4095;
const MAX_LAYOUT_VERSION = 0xffff_ffff;
const FIELDS = ['cameraId', 'path', 'layoutVersion'] as const;

/**
 * A frozen copy of a reference, its path and version as given. Nothing is opened, resolved or looked at.
 *
 * @throws RuthError `BAD_FRAME_SOURCE`, `BAD_CAMERA_ID`
 */
export function readFrameSource(value: unknown): FrameSourceRef {
  const { cameraId, path, layoutVersion } = readingAs('BAD_FRAME_SOURCE', () =>
    readFields(value, 'the frame source reference', FIELDS),
  );
  checkCameraId(cameraId);
  if (!isAbsolutePath(path)) {
    throw badFrameSource(
      `path ${quoted(path)} is not an absolute path of at most ${MAX_PATH_LENGTH} characters`,
    );
  }
  if (!isLayoutVersion(layoutVersion)) {
    throw badFrameSource(
      `layout version ${quoted(layoutVersion)} is not an integer from 1 to ${MAX_LAYOUT_VERSION}`,
    );
  }
  return Object.freeze({ cameraId, path, layoutVersion });
}

function isAbsolutePath(path: unknown): path is string {
  return (
    typeof path === 'string' && path.startsWith('/') && path.length <= MAX_PATH_LENGTH && !path.includes('\0')
  );
}

function isLayoutVersion(version: unknown): version is number {
  return Number.isInteger(version) && (version as number) >= 1 && (version as number) <= MAX_LAYOUT_VERSION;
}

function badFrameSource(why: string): RuthError {
  return new RuthError('BAD_FRAME_SOURCE', `not a frame source reference: ${why}`);
}
