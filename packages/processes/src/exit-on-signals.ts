/** A program that cleans up also when it is told to end. */
import { constants } from 'node:os';

/**
 * Makes the signals that tell a program to end an exit with the code that a shell gives them, so that what waits for the
 * exit is done: by default they end Node without it. A signal during that does the same as the first.
 */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(128 + constants.signals[signal]));
  }
}
