/** `npm run bench -- --peers [--quick] [--only NAME]... [--report FOLDER]`. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { exitOnSignals } from '@vas/processes';
import { install } from './install.js';
import { peers } from './peers.js';
import { EXTENTS, measure } from './phases.js';
import type { PeerResult } from './phases.js';
import { markdown, plots } from './report.js';
import type { Run } from './report.js';

const { values: options } = parseArgs({
  options: {
    peers: { type: 'boolean' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    report: { type: 'string' },
  },
});

exitOnSignals();
const begun = new Date();
const { programs, missing } = install();
if (missing.has('rust')) throw new Error(`the floor cannot be measured: ${missing.get('rust')}`);

const results: PeerResult[] = [];
const absent: Run['missing'][number][] = [];
for (const peer of peers) {
  if (options.only?.includes(peer.name) === false) continue;
  const reason = peer.needs.map((need) => missing.get(need)).find((why) => why !== undefined);
  if (reason !== undefined) {
    absent.push({ name: peer.title, reason });
    continue;
  }
  console.error(peer.title);
  results.push(await measure(peer, programs, options.quick ? EXTENTS.quick : EXTENTS.full));
}

const run: Run = {
  commit: commit(),
  begunAt: begun.toISOString().slice(0, 16).replace('T', ' '),
  seconds: (Date.now() - begun.getTime()) / 1000,
  machine: {
    processors: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    kernel: release(),
    node: process.versions.node,
  },
  versions: versions(),
  isQuick: options.quick,
  results,
  missing: absent,
};
const page = markdown(run);
console.log(page);
if (options.report !== undefined) {
  const folder = resolve(options.report);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'peers.md'), page);
  writeFileSync(join(folder, 'peers.json'), `${JSON.stringify(run, null, 1)}\n`);
  for (const [name, svg] of Object.entries(plots(run))) writeFileSync(join(folder, name), svg);
}

function said(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

function commit(): string {
  const hash = said('git', 'rev-parse', '--short', 'HEAD') || 'unknown';
  return said('git', 'status', '--porcelain', '--untracked-files=no') === '' ? hash : `${hash} and changes`;
}

function versions(): Record<string, string> {
  const lock = readFileSync(new URL('../rust/Cargo.lock', import.meta.url), 'utf8');
  const locked = (name: string): string =>
    new RegExp(`name = "${name}"\nversion = "(.*)"`).exec(lock)?.[1] ?? '';
  const found = {
    iceoryx2: locked('iceoryx2'),
    GStreamer: said('pkg-config', '--modversion', 'gstreamer-1.0'),
    ZeroMQ: locked('zeromq-src').split('+').at(-1) ?? '',
    Redis: /v=(\S+)/.exec(said('redis-server', '--version'))?.[1] ?? '',
    Python: said('python3', '--version').replace('Python ', ''),
  };
  return Object.fromEntries(Object.entries(found).filter(([, version]) => version !== ''));
}
