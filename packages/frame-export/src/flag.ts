/** `AI_FRAME_EXPORT_ENABLED`: the switch in front of everything in this package that writes. */
import { described } from './options.js';

/** Name of the environment variable. */
export const FLAG_NAME = 'AI_FRAME_EXPORT_ENABLED';

export interface Flag {
  readonly isEnabled: boolean;
  /** What to tell the operator, or `null`. */
  readonly warning: string | null;
}

/**
 * Reads the flag: `true` and `false` in any case; unset is off. Anything else is off too, with a warning:
 * a typing mistake must neither switch export on nor keep a video server from starting.
 */
export function readFlag(env: Readonly<Record<string, string | undefined>>): Flag {
  const value: unknown = env[FLAG_NAME];
  if (value !== undefined && typeof value !== 'string') return off(described(value), 'the string "true"');
  switch (value?.toLowerCase()) {
    case undefined:
    case 'false':
      return { isEnabled: false, warning: null };
    case 'true':
      return { isEnabled: true, warning: null };
    default:
      return off(JSON.stringify(value), '"true"');
  }
}

function off(value: string, isOn: string): Flag {
  const warning = `${FLAG_NAME} is ${value}, which is neither ${isOn} nor "false": frame export stays off`;
  return { isEnabled: false, warning };
}
