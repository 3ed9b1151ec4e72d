/**
 * Child processes that do not outlive this one: they are killed when it exits. A signal is no exit by itself; see
 * `exitOnSignals`.
 */
import type { ChildProcess } from 'node:child_process';

const running = new Set<ChildProcess>();

function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Takes a child that was just started into the care of this module, and returns it. */
export function ownProcess<T extends ChildProcess>(child: T): T {
  // Before what removes their files: an export that is alive makes them anew.
  if (running.size === 0) process.prependOnceListener('exit', killAll);
  running.add(child);
  const forget = (): void => {
    running.delete(child);
    if (running.size === 0) process.off('exit', killAll);
  };
  child.once('exit', forget);
  child.once('error', () => {
    if (child.pid === undefined) forget();
  });
  return child;
}
