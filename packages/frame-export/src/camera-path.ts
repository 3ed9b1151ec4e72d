/** Where a camera's export lives: camera ids, the base folder, and the path made of both. */
import { join, resolve } from 'node:path';
import { FrameExportError } from './errors.js';

/** Base folder unless the host configures another one. */
export const DEFAULT_BASE_DIR = '/dev/shm/vas';

const CAMERA_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

/**
 * Absolute path of a camera's folder.
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
      `camera id ${JSON.stringify(cameraId)} is not 1 to 64 characters of A-Z a-z 0-9 . _ - beginning with no dot`,
    );
  }
  return join(resolve(baseDir), cameraId);
}
