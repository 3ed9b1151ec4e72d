/** The one error class of this package and its codes. */

/**
 * What was wrong. Codes are stable: check `error.code`, not `instanceof` and not the message.
 *
 * | code | meaning |
 * | --- | --- |
 * | `BAD_CAMERA_ID` | not 1 to 64 characters of `A-Z a-z 0-9 . _ -`, or it begins with a dot |
 * | `BAD_MODEL_ID` | not 1 to 255 characters of `A-Z a-z 0-9 . _ : @ / + -`, or it begins with one of `. : @ / + -` |
 * | `BAD_SUBSCRIPTION` | the data of a subscription is not an object, or has a field that is not known |
 * | `BAD_DESIRED_FPS` | not a finite positive number |
 * | `BAD_CONFIGURATION` | not plain data, or beyond its bounds |
 * | `BAD_FRAME_SOURCE` | not a frame source reference: a field is missing, unknown or out of its range |
 * | `BAD_CHANGE` | not a change: a field is missing, unknown or out of its range |
 * | `BAD_SNAPSHOT` | not a snapshot: a field is missing, unknown or out of its range, or it contradicts itself |
 * | `UNKNOWN_SNAPSHOT_FORMAT` | the snapshot has another format version than this package writes and reads |
 * | `AGENT_ABSENT` | the camera has no stream agent, and the operation needs one |
 * | `AGENT_NOT_STARTED` | the operation is not allowed while the agent is `created` |
 * | `AGENT_RUNNING` | the operation is not allowed while the agent is `running` |
 * | `AGENT_STOPPED` | the operation is not allowed once the agent is `stopped` |
 * | `CHANGE_DOES_NOT_FOLLOW` | the change cannot happen to this state as it was recorded |
 * | `CHANGES_MISSING` | between the state and the change there were others, which have not been applied |
 */
export type RuthErrorCode =
  | 'BAD_CAMERA_ID'
  | 'BAD_MODEL_ID'
  | 'BAD_SUBSCRIPTION'
  | 'BAD_DESIRED_FPS'
  | 'BAD_CONFIGURATION'
  | 'BAD_FRAME_SOURCE'
  | 'BAD_CHANGE'
  | 'BAD_SNAPSHOT'
  | 'UNKNOWN_SNAPSHOT_FORMAT'
  | 'AGENT_ABSENT'
  | 'AGENT_NOT_STARTED'
  | 'AGENT_RUNNING'
  | 'AGENT_STOPPED'
  | 'CHANGE_DOES_NOT_FOLLOW'
  | 'CHANGES_MISSING';

/** An operation was refused and changed nothing. */
export class RuthError extends Error {
  override readonly name = 'RuthError';
  readonly code: RuthErrorCode;

  constructor(code: RuthErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A caller's value was refused while it was read. Never leaves the package. */
export class Unreadable extends Error {
  readonly #isOurs = true;

  /** Whether this package threw it. Unlike `instanceof`, asking runs no code of a Proxy. */
  static is(thrown: unknown): thrown is Unreadable {
    return typeof thrown === 'object' && thrown !== null && #isOurs in thrown;
  }
}

/**
 * Runs code that reads a caller's value and looks at nothing else: whatever that value makes it throw leaves with a
 * stable code.
 */
export function readingAs<T>(code: RuthErrorCode, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (Unreadable.is(cause)) throw new RuthError(code, cause.message);
    throw new RuthError(code, 'the value threw an error while it was read', { cause });
  }
}

/** Runs code that throws nothing but a `RuthError`, and has its message begin with the place that `where` names. */
export function locating<T>(where: () => string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RuthError)) throw error;
    throw new RuthError(error.code, `${where()}: ${error.message}`, { cause: error });
  }
}

/** A value as it may stand in a message: short, and without running any of its code. */
export function quoted(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  return `a value of type ${typeof value}`;
}
