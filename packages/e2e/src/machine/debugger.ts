/** The debugger of `debugger.py`, as the suite drives it. */
import { fileURLToPath } from 'node:url';
import { JsonLineProcess } from '@vas/processes';
import { packageFolder } from '../package-folder.js';
import { PYTHON } from './python.js';

/**
 * Stops all threads of a process as a debugger does. The function that it gives lets them go on.
 *
 * @throws Error where this user may not debug that process
 */
export async function stopByDebugger(pid: number): Promise<() => Promise<void>> {
  const script = fileURLToPath(new URL('src/machine/debugger.py', packageFolder));
  const process = new JsonLineProcess(PYTHON, [script, String(pid)]);
  await process.next(hasStopped);
  return () => process.stop();
}

function hasStopped(line: unknown): line is { stopped: number } {
  return typeof line === 'object' && line !== null && 'stopped' in line;
}
