/** The other end of an `Actor`: does what it is asked and answers with the number of the request. */

/** Takes what the one who asks is known to send. */
export type Action = (request: never) => unknown;

export function answer(actions: Readonly<Record<string, Action>>): void {
  process.on('message', (request: { id: number; action: string }) => {
    void (async () => {
      try {
        const action = actions[request.action];
        if (action === undefined) throw new Error(`no action ${request.action}`);
        process.send?.({ id: request.id, value: await action(request as never) });
      } catch (error) {
        process.send?.({ id: request.id, error: describe(error) });
      }
    })();
  });
  // A process whose parent has gone has nothing left to do.
  process.on('disconnect', () => process.exit());
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? `${String(error.code)} ${error.message}` : error.message;
}
