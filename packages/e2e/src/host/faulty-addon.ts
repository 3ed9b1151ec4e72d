/** The native file with fault injection, for hosts that are to fail on purpose. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { packageFolder } from '../package-folder.js';

const script = fileURLToPath(new URL('../frame-export/native/faulty/build.mjs', packageFolder));

/** Environment of a host whose native file has this fault; the drain's `fail_point.rs` lists them. */
export function faultEnvironment(fault: string): Readonly<Record<string, string>> {
  const addon = execFileSync(process.execPath, [script], { encoding: 'utf8' }).trim();
  return { NAPI_RS_NATIVE_LIBRARY_PATH: addon, VAS_FAULT: fault };
}
