/** D1: the native file of each platform at work, in the versions of Node that it is for. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Check, Row } from './check.js';
import { runtimes } from './runtimes.js';

const exercise = fileURLToPath(new URL('exercise.js', import.meta.url));
const packages = fileURLToPath(new URL('../../frame-export/npm/', import.meta.url));

export const platforms: Check = {
  summary: 'the native file of each platform, in Node from the oldest to the newest, arm64 emulated, musl',
  run() {
    const rows: Row[] = [];
    const failures: string[] = [];
    for (const { platform, name, command } of runtimes) {
      const addon = `${packages}${platform}/vas-frame-export.${platform}.node`;
      if (!existsSync(addon)) {
        failures.push(`${platform}: its native file is not built: npm run build-platforms`);
        continue;
      }
      const [file, ...args] = command();
      const env = { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: addon };
      const { stdout, stderr } = spawnSync(file, [...args, exercise], { env, encoding: 'utf8' });
      const [, version = '', passed = '0'] = /^(\S+ Node \S+): (\d+) passed, 0 failed$/m.exec(stdout) ?? [];
      rows.push({ platform, runtime: name, version, passed: Number(passed) });
      if (passed === '0') failures.push(`${platform}, ${name}: ${stdout}${stderr}`);
    }
    return Promise.resolve({ rows, failures });
  },
};
