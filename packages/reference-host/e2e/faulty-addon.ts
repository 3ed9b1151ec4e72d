/** The native file with fault injection compiled in, for hosts that are to fail on purpose. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { e2eSource } from './source-folder.js';

const frameExport = new URL('../../frame-export/', e2eSource);
const folder = fileURLToPath(new URL('native/test/', frameExport));

/** Environment of a host whose native file has this fault; see the drain's table of faults. */
export function faultEnvironment(fault: string): () => Readonly<Record<string, string>> {
  return () => {
    const addon = readdirSync(folder).find((name) => name.endsWith('.node'));
    if (addon === undefined) throw new Error(`there is no native file in ${folder}`);
    return { NAPI_RS_NATIVE_LIBRARY_PATH: `${folder}${addon}`, VAS_FAULT: fault };
  };
}

/** Builds that file; cargo does nothing where it is there already. */
export function buildFaultyAddon(): void {
  const script = fileURLToPath(new URL('native/build.mjs', frameExport));
  const { status } = spawnSync(process.execPath, [script, '--fault-injection'], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('the native file with fault injection could not be built');
}
