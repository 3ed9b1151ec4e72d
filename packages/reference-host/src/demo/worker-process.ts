/** The child's end of the channel between the demo and its processes. */
import { answerRequests } from '@vas/processes';
import type { WorkerRequests } from './messages.js';

/**
 * Answers the demo's request to finish with what `lastReport` makes once the signal that it is given has aborted.
 * Ctrl-C reaches every process of the terminal, and the demo is the one that acts on it.
 */
export async function untilFinished(lastReport: (finishing: AbortSignal) => Promise<object>): Promise<void> {
  process.on('SIGINT', () => {
    // See above.
  });
  const finishing = new AbortController();
  const reported = lastReport(finishing.signal);
  answerRequests<WorkerRequests>({
    finish() {
      finishing.abort();
      return reported;
    },
  });
  await reported;
}
