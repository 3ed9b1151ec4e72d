/** Frame source references as data. This is the only file that knows `@vas/frame-export`, and only its types. */
import type { FrameSourceRef } from '@vas/frame-export/types';
import { quoted, readingAs, RuthError } from './error.js';
import { checkCameraId } from './ids.js';
import { copyPlainData } from './plain-data.js';

export type { FrameSourceRef } from '@vas/frame-export/types';

const MAX_PATH_LENGTH = 4095;
const MAX_LAYOUT_VERSION = 0xffff_ffff;

/**
 * A frozen copy of a reference, its path and version as given. Nothing is opened, resolved or looked at.
 *
 * @throws RuthError `BAD_FRAME_SOURCE`, `BAD_CAMERA_ID`
 */
export function readFrameSource(value: unknown): FrameSourceRef {
  const data = readingAs('BAD_FRAME_SOURCE', () => copyPlainData(value, 'frame source'));
  if (data === null || typeof data !== 'object') throw badFrameSource('it is not an object');
  const { cameraId, path, layoutVersion, ...unknown } = data as Partial<
    Record<keyof FrameSourceRef, unknown>
  >;
  for (const key of Object.keys(unknown)) throw badFrameSource(`it has an unknown field ${quoted(key)}`);
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
  return Object.freeze({ cameraId: cameraId as string, path, layoutVersion });
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
