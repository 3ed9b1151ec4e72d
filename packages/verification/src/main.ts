/** `npm run verify -- <check> [options]`: runs one check, or all of them, and prints what it saw. */
import { parseArgs } from 'node:util';
import { exitOnSignals } from '@vas/processes';
import type { Check, CheckOptions } from './check.js';
import { container } from './container.js';
import { crowd } from './crowd.js';
import { emittedJs } from './emitted-js.js';
import { emitted } from './emitted.js';
import { ffmpegVersions } from './ffmpeg-versions.js';
import { killPoints } from './kill-points.js';
import { litmus } from './litmus.js';
import { platforms } from './platforms.js';
import { pod } from './pod.js';
import { soak } from './soak.js';
import { suites } from './suites.js';
import { tearHunt } from './tear-hunt.js';
import { truncation } from './truncation.js';
import { wheels } from './wheels.js';

const checks: Readonly<Record<string, Check>> = {
  tear: tearHunt,
  kill: killPoints,
  container,
  pod,
  soak,
  crowd,
  truncation,
  litmus,
  emitted,
  'emitted-js': emittedJs,
  platforms,
  suites,
  wheels,
  'ffmpeg-versions': ffmpegVersions,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string' },
    reads: { type: 'string' },
    'without-validation': { type: 'boolean', default: false },
    'streaming-stores': { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

const options: CheckOptions = {
  seconds: numberOf(values.seconds),
  reads: numberOf(values.reads),
  withoutValidation: values['without-validation'],
  isStreaming: values['streaming-stores'],
  only: values.only,
};
const names = positionals[0] === 'all' ? Object.keys(checks) : positionals;
if (names.length === 0 || names.some((name) => checks[name] === undefined)) {
  console.error(
    'usage: npm run verify -- <check> [--seconds <n>] [--reads <n>] [--without-validation] [--streaming-stores] [--only <runtime>] [--json]',
  );
  for (const [name, { summary }] of Object.entries(checks)) console.error(`  ${name.padEnd(16)}${summary}`);
  process.exit(2);
}

exitOnSignals();
for (const name of names) {
  const check = checks[name];
  if (check === undefined) continue;
  const began = performance.now();
  const { rows, failures } = await check.run(options);
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  if (values.json) console.log(JSON.stringify({ check: name, seconds, rows, failures }));
  else console.table(rows);
  for (const failure of failures) console.error(`failed: ${failure}`);
  console.error(`${name}: ${failures.length === 0 ? 'passed' : 'FAILED'} in ${seconds} s`);
  if (failures.length > 0) process.exitCode = 1;
}
