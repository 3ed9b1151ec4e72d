/** The child's end of the channel between the demo and its processes. */
import { STOP } from './messages.js';

/**
 * Aborts when the demo asks to stop. Ctrl-C reaches every process of the terminal, and the demo is the one
 * that acts on it; without the demo this process has no reason to go on.
 */
export function whenStopped(): AbortSignal {
  const stopping = new AbortController();
  process.on('SIGINT', () => {
    // See above.
  });
  process.on('message', (message) => {
    if (message === STOP) stopping.abort();
  });
  process.on('disconnect', () => {
    process.exit();
  });
  return stopping.signal;
}

/** Resolves when the message is on its way. */
export function reportTo(message: object): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, () => {
      resolve();
    });
  });
}
