/** S7, P2.4: the protocol as litmus tests, in the memory models of the architectures: every file says what must come out. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Check, Row } from './check.js';
import { findHerd } from './herd.js';

const folder = fileURLToPath(new URL('../../../rust-shm/protocol/litmus/', import.meta.url));
/** Non-temporal stores are not in the simulator's own model of x86. */
const models: Readonly<Record<string, readonly string[]>> = {
  arm64: [],
  x86_64: ['-model', join(folder, 'x86_64/x86-nt.cat')],
};

export const litmus: Check = {
  summary: 'the orderings in the memory models of arm64 and x86-64, with herd7',
  run() {
    const herd = findHerd();
    const rows: Row[] = [];
    const failures: string[] = [];
    for (const [architecture, model] of Object.entries(models)) {
      const files = readdirSync(join(folder, architecture)).filter((name) => name.endsWith('.litmus'));
      for (const name of files.sort()) {
        const path = join(folder, architecture, name);
        const test = basename(name, '.litmus');
        const expected = /^Expected=(\w+)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? 'nothing';
        const [command, ...args] = [...herd, ...model, path];
        const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
        // "Observation <test> Never|Sometimes|Always <executions with it> <executions without it>"
        const [, observed = 'nothing', positive = '', negative = ''] =
          /^Observation \S+ (\w+) (\d+) (\d+)$/m.exec(stdout) ?? [];
        rows.push({ architecture, test, expected, observed, with: positive, without: negative });
        if (observed !== expected)
          failures.push(`${architecture}/${test}: ${expected} expected, ${observed} observed ${stderr}`);
      }
    }
    return Promise.resolve({ rows, failures });
  },
};
