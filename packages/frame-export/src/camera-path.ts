/** Where a camera's export lives: camera ids, the base folder, and the path made of both. */
import { join, resolve } from 'node:path';
import { FrameExportError } from './errors.js';
import { checkedPath, described } from './options.js';

/** Base folder unless the host configures another one. */
export const DEFAULT_BASE_DIR = '/dev/shm/vas';

const CAMERA_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

/**
 * The base folder as a normalised path.
 *
 * @throws FrameExportError `BAD_OPTION` if it is not an absolute path
 */
export function baseDirOf(baseDir: string | undefined): string {
  return resolve(checkedPath('baseDir', baseDir ?? DEFAULT_BASE_DIR));
}

/**
 * Path of a camera's folder below a base folder of `baseDirOf`.
 *
 * A camera id becomes a file name, so its character set is closed: no separators, no leading dot, nothing
 * outside ASCII, at most 64 characters. The native writer checks the same rule once more.
 *
 * @throws FrameExportError `BAD_CAMERA_ID`
 */
export function cameraPath(baseDir: string, cameraId: string): string {
  if (typeof cameraId !== 'string' || !CAMERA_ID.test(cameraId)) {
    throw new FrameExportError(
      'BAD_CAMERA_ID',
      `camera id ${typeof cameraId === 'string' ? JSON.stringify(cameraId) : described(cameraId)} is not 1 to 64 characters of A-Z a-z 0-9 . _ - beginning with no dot`,
    );
  }
  return join(baseDir, cameraId);
}
