/** The one error class of this package and its codes. */

/**
 * What went wrong. Codes are stable: check `error.code`, not `instanceof` and not the message.
 *
 * | code | meaning |
 * | --- | --- |
 * | `UNSUPPORTED_PLATFORM` | frames can be exported and read on Linux only |
 * | `NATIVE_UNAVAILABLE` | the native file for this platform is not installed or does not load |
 * | `BAD_CAMERA_ID` | not 1 to 64 characters of `A-Z a-z 0-9 . _ -`, or it begins with a dot |
 * | `BAD_GEOMETRY` | width or height odd, not positive or too large, or stride below width |
 * | `BAD_OPTION` | another option or argument is not of its type, or out of its range |
 * | `BASE_DIR_MISSING` | the folder that should hold the base folder does not exist |
 * | `BASE_DIR_NOT_A_DIRECTORY` | the base folder's path leads to something else |
 * | `BASE_DIR_SYMLINK` | the base folder is a symbolic link |
 * | `BASE_DIR_NOT_OURS` | the base folder belongs to another user |
 * | `BASE_DIR_UNSAFE` | others may write to the base folder and it has no sticky bit |
 * | `BASE_DIR_NOT_TMPFS` | the base folder is not in shared memory: a disk that stalls would stop the video |
 * | `CAMERA_PATH_OCCUPIED` | something that is not an export stands where the camera's folder would be |
 * | `NO_SPACE` | not enough bytes or inodes in the file system, or not enough memory; nothing was created |
 * | `NO_DESCRIPTORS` | not enough open files, or so few left that the video needs them |
 * | `NO_THREADS` | the operating system gives no thread, or so few that the video needs them |
 * | `PERMISSION_DENIED` | the operating system refused |
 * | `ALREADY_EXPORTED` | this camera is exported already, by this or another process |
 * | `INCOMPATIBLE_LAYOUT` | the files, or the native file, follow another layout |
 * | `SOURCE_NOT_FOUND` | there is no export at that path |
 * | `WRONG_OWNER` | the export belongs to a user whose frames the reader does not accept |
 * | `RING_TOO_LARGE` | this version of Node has no buffers as large as the ring |
 * | `CLOSED` | the exporter, the export or the frame source was closed |
 * | `IO` | another error of the operating system; the message names it |
 * | `INTERNAL` | a defect in this package; please report it with the message |
 */
export type FrameExportErrorCode = (typeof CODES)[number];

const CODES = [
  'UNSUPPORTED_PLATFORM',
  'NATIVE_UNAVAILABLE',
  'BAD_CAMERA_ID',
  'BAD_GEOMETRY',
  'BAD_OPTION',
  'BASE_DIR_MISSING',
  'BASE_DIR_NOT_A_DIRECTORY',
  'BASE_DIR_SYMLINK',
  'BASE_DIR_NOT_OURS',
  'BASE_DIR_UNSAFE',
  'BASE_DIR_NOT_TMPFS',
  'CAMERA_PATH_OCCUPIED',
  'NO_SPACE',
  'NO_DESCRIPTORS',
  'NO_THREADS',
  'PERMISSION_DENIED',
  'ALREADY_EXPORTED',
  'INCOMPATIBLE_LAYOUT',
  'SOURCE_NOT_FOUND',
  'WRONG_OWNER',
  'RING_TOO_LARGE',
  'CLOSED',
  'IO',
  'INTERNAL',
] as const;

/** An error as plain data, which JSON can carry. */
export interface FrameExportFailure {
  readonly code: FrameExportErrorCode;
  readonly message: string;
}

/** An operation of this package failed and changed nothing. */
export class FrameExportError extends Error {
  override readonly name = 'FrameExportError';
  readonly code: FrameExportErrorCode;

  constructor(code: FrameExportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /**
   * Gives an error of the native part its class; its code and message stay. Errors are told by their `code`: the
   * native part's come from the realm that loaded it, and are no instances of another realm's `Error`.
   */
  static from(cause: unknown): FrameExportError {
    const { name, code, message } = partsOf(cause);
    const known = CODES.find((one) => one === code);
    if (known !== undefined && name === 'FrameExportError') return cause as FrameExportError;
    return new FrameExportError(known ?? 'INTERNAL', message, { cause });
  }

  /** The error as plain data. */
  toJSON(): FrameExportFailure {
    return { code: this.code, message: this.message };
  }
}

function partsOf(cause: unknown): { name?: unknown; code?: unknown; message: string } {
  if (typeof cause !== 'object' || cause === null) return { message: String(cause) };
  const { name, code, message } = cause as { name?: unknown; code?: unknown; message?: unknown };
  return {
    name,
    code,
    message: typeof message === 'string' ? message : 'something was thrown that is no error',
  };
}
