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

interface Running {
  readonly exited: Promise<unknown>;
  readonly lines: () => string[];
}

/** Starts an example of a document as it stands, but for the folder: tests keep out of the default one. */
function startExample(document: string, name: string, baseDir: string): Running {
  const text = readFileSync(new URL(document, home), 'utf8');
  const code = new RegExp(`<!-- example: ${name} -->\n\`\`\`js\n([^]*?)\`\`\``).exec(text)?.[1] ?? '';
  const inOwnFolder = code
    .replace('createFrameExporter()', `createFrameExporter({ baseDir: '${baseDir}' })`)
    .replace(/(?<=openFrameSource|frames)\(\{ cameraId: 'entrance'/, `$&, baseDir: '${baseDir}'`);
  expect(inOwnFolder).toContain(baseDir);
  const folder = mkdtempSync(fileURLToPath(new URL('test/.example-', home)));
  const script = join(folder, 'example.mjs');
  writeFileSync(script, inOwnFolder);
  const env = { ...process.env, ...ON };
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => (output += more));
  return { exited: once(child, 'close'), lines: () => output.trim().split('\n') };
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
    const reader = startExample(document, 'reader', baseDir);
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

describe('the examples of README.md that watch an exporter', () => {
  it('G11, O2: give Prometheus the state of each camera and the frames of all', async () => {
    const { exited, lines } = startExample('README.md', 'prom-client', ownBaseDir());
    expect(await exited).toEqual([0, null]);
    expect(lines()).toEqual(
      expect.arrayContaining([
        '# TYPE frame_export_camera_state gauge',
        'frame_export_camera_state{camera="entrance",state="live"} 1',
        '# TYPE frame_export_frames_total counter',
        'frame_export_frames_total{outcome="written"} 1',
        'frame_export_frames_total{outcome="discarded"} 0',
      ]),
    );
  });

  it('G11, O2: log a camera that goes live and falls silent', async () => {
    const { exited, lines } = startExample('README.md', 'log', ownBaseDir());
    expect(await exited).toEqual([0, null]);
    const states = lines().map((line) => (JSON.parse(line) as { state: string }).state);
    expect(states.filter((state) => state !== 'slow')).toEqual(['live', 'idle']);
  });
});
