// Answers requests, and does what a process under test should not.
import { answerRequests, report } from '@vas/processes';

answerRequests({
  double: (number) => number * 2,
  nothing: () => undefined,
  async refuse() {
    throw Object.assign(new Error('not today'), { code: 'REFUSED' });
  },
  async reportTwice() {
    await report(1);
    await report(2);
  },
  die() {
    console.error('this is the end');
    process.exit(7);
  },
  wait: () => new Promise(() => {}),
});
