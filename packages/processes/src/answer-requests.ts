/** The other end of an `AnsweringProcess`: does what it is asked, and ends when the one who asks is gone. */
import type { Reply, Request, Requests } from './answering-process.js';

/** Answers each request with what the handler of its name returns. */
export function answerRequests<R extends Requests<R>>(handlers: R): void {
  const byName = new Map(Object.entries(handlers) as [string, (argument: unknown) => unknown][]);
  process.on('message', ({ id, name, argument }: Request) => {
    void answer(id, name, argument);
  });
  process.on('disconnect', () => process.exit());

  async function answer(id: number, name: string, argument: unknown): Promise<void> {
    try {
      const handler = byName.get(name);
      if (handler === undefined) throw new Error('no such request');
      send({ id, answer: await handler(argument) });
    } catch (error) {
      send({ id, error: describe(error), stack: error instanceof Error ? (error.stack ?? '') : '' });
    }
  }
}

/** Says something without being asked; resolves when the message is on its way. */
export function report(value: unknown): Promise<void> {
  return new Promise((resolve) => {
    process.send?.({ report: value } satisfies Reply, () => {
      resolve();
    });
  });
}

function send(reply: Reply): void {
  // Nobody is left to be told: `disconnect` follows.
  process.send?.(reply, () => undefined);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? `${String(error.code)} ${error.message}` : error.message;
}
