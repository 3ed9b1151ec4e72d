import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ownBaseDir } from './base-dir.js';
import { ON } from './cameras.js';
import { Peer } from './processes.js';

const home = new URL('..', import.meta.url);
const FRAME_BYTES = 64 * 48 * 1.5;

/** Starts the reader of a document as it stands, but for the folder: tests keep out of the default one. */
function startReader(document: string, baseDir: string): { exited: Promise<unknown>; lines: () => string[] } {
  const text = readFileSync(new URL(document, home), 'utf8');
  const code = /<!-- example: reader -->\n```js\n([^]*?)```/.exec(text)?.[1] ?? '';
  expect(code).toContain("cameraId: 'entrance'");
  const folder = mkdtempSync(fileURLToPath(new URL('test/.example-', home)));
  const script = join(folder, 'reader.mjs');
  writeFileSync(script, code.replace("cameraId: 'entrance'", `cameraId: 'entrance', baseDir: '${baseDir}'`));
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => (output += more));
  return { exited: once(child, 'exit'), lines: () => output.trim().split('\n') };
}

async function startHost(baseDir: string): Promise<Peer> {
  const host = new Peer('host.mjs', [baseDir], ON);
  await host.ask({ action: 'open', cameraId: 'entrance', width: 64, height: 48 });
  await host.ask({ action: 'publishForever', cameraId: 'entrance', sizeBytes: FRAME_BYTES });
  return host;
}

describe.each([['README.md'], ['../../README.md']])('the reader in %s', (document) => {
  it.each([
    ['at once', 0],
    ['when readers have seen that it is gone', 3000],
  ])('G11, P2.6: goes on when the host crashes and is back %s, and ends with the camera', async (_, ms) => {
    const baseDir = ownBaseDir();
    const reader = startReader(document, baseDir);
    const crashing = await startHost(baseDir);
    while (reader.lines().length < 30) await sleep(10);
    await crashing.kill();
    await sleep(ms);
    const lastBefore = Number(reader.lines().at(-1)?.split(' ')[0]);
    expect(lastBefore).toBeGreaterThanOrEqual(20);
    const before = reader.lines().length;
    const host = await startHost(baseDir);
    while (reader.lines().length < before + 30) await sleep(10);
    // The frames of a new start begin again.
    const ids = reader
      .lines()
      .slice(before)
      .map((line) => Number(line.split(' ')[0]));
    expect(Math.min(...ids)).toBeLessThan(lastBefore);
    await host.ask({ action: 'close', cameraId: 'entrance' });
    expect(await reader.exited).toEqual([0, null]);
  });
});
