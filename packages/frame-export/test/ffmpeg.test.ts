import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { entriesOf, ownBaseDir } from './base-dir.js';
import { Peer, readHashes, runToEnd, testPicture } from './processes.js';
import { createFrameExporter } from '@vas/frame-export';
import type { CameraExportStatistics, FrameSourceRef } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';

interface Report {
  frames: { frameId: number; ms: number; width: number; hash: string }[];
  missed: number;
  verdicts: string[];
}

function ownTempDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vas-test-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A host process with one camera, 320x240 unless told otherwise, and a reader process that follows it. */
async function hostAndReader(
  slotCount = 8,
): Promise<{ host: Peer; reader: Peer; source: FrameSourceRef; baseDir: string }> {
  const baseDir = ownBaseDir();
  const host = new Peer('host.mjs', [baseDir], { AI_FRAME_EXPORT_ENABLED: 'true' });
  const source = await host.ask<FrameSourceRef>({
    action: 'open',
    cameraId: 'cam',
    width: 320,
    height: 240,
    slotCount,
  });
  const reader = new Peer('reader.mjs', [source.path]);
  await reader.ask({ action: 'report' });
  return { host, reader, source, baseDir };
}

/** The reader's report, as soon as the reader has come to this frame. */
async function reportAt(reader: Peer, frameId: number): Promise<Report> {
  for (;;) {
    const report = await reader.ask<Report>({ action: 'report' });
    if ((report.frames.at(-1)?.frameId ?? 0) >= frameId) return report;
    await sleep(20);
  }
}

/** The statistics of `cam`, as soon as nothing is attached any more: the drain has read its pipe to the end. */
async function statisticsAtTheEnd(host: Peer): Promise<CameraExportStatistics> {
  for (;;) {
    const statistics = await host.ask<CameraExportStatistics>({ action: 'statistics', cameraId: 'cam' });
    if (statistics.drain === 'detached') return statistics;
    await sleep(20);
  }
}

/** Waits for a state of the writer, as a reader sees it. */
async function untilHealthIs(state: string, health: () => Promise<{ state: string }>): Promise<void> {
  while ((await health()).state !== state) await sleep(20);
}

function expectBitExact(frames: Report['frames'], hashes: string[], firstFrameId = 1): void {
  expect(frames.map(({ hash }) => hash)).toEqual(frames.map(({ frameId }) => hashes[frameId - firstFrameId]));
}

function longestGapMs(frames: Report['frames']): number {
  return Math.max(...frames.slice(1).map(({ ms }, index) => ms - (frames[index]?.ms ?? ms)));
}

describe('a real FFmpeg', () => {
  it('S4, P2.11: reaches another process bit-exact, frame by frame', async () => {
    const { host, reader, baseDir } = await hostAndReader();
    const hashes = join(ownTempDir(), 'hashes');
    await host.ask({
      action: 'start',
      cameraId: 'cam',
      args: testPicture({ size: '320x240', seconds: 3, hashes }),
    });
    expect(await host.ask({ action: 'waitForFfmpeg', cameraId: 'cam' })).toEqual({ code: 0, signal: null });
    const { frames, missed } = await reportAt(reader, 75);
    expect(readHashes(hashes)).toHaveLength(75);
    expect(frames.length + missed).toBe(75);
    expect(frames.length).toBeGreaterThan(60);
    expectBitExact(frames, readHashes(hashes));
    expect(await statisticsAtTheEnd(host)).toMatchObject({
      framesWritten: 75,
      framesIncomplete: 0,
      framesDiscarded: 0,
      bytesWritten: 75 * 320 * 240 * 1.5,
    });
    await host.ask({ action: 'close', cameraId: 'cam' });
    expect(entriesOf(baseDir)).toEqual([]);
  });

  it('P2.4, S4: is followed by a reader in Python that knows only the protocol document', async () => {
    const { host, source } = await hostAndReader();
    const hashes = join(ownTempDir(), 'hashes');
    await host.ask({
      action: 'start',
      cameraId: 'cam',
      args: testPicture({ size: '320x240', seconds: 3, hashes }),
    });
    const script = fileURLToPath(
      new URL('../../../rust-shm/protocol/readers/frame_reader.py', import.meta.url),
    );
    const output = await runToEnd('python3', [script, source.path, '4']);
    const { accepted } = JSON.parse(output) as { accepted: Record<string, string> };
    const frames = Object.entries(accepted).map(([id, hash]) => ({
      frameId: Number(id),
      hash,
      ms: 0,
      width: 0,
    }));
    expect(frames.length).toBeGreaterThan(50);
    expectBitExact(frames, readHashes(hashes));
  });

  it('G1, S2: goes on without a gap while the JavaScript of the host is blocked for 5 s', async () => {
    const { host, reader } = await hostAndReader();
    const folder = ownTempDir();
    const hashes = join(folder, 'hashes');
    await host.ask({
      action: 'start',
      cameraId: 'cam',
      args: testPicture({ size: '320x240', seconds: 7, hashes }),
    });
    await reportAt(reader, 5);
    await host.ask({ action: 'block', ms: 5000 });
    await host.ask({ action: 'waitForFfmpeg', cameraId: 'cam' });
    const { frames } = await reportAt(reader, 175);
    expectBitExact(frames, readHashes(hashes));
    // A stall of the host's thread would show as 5000 ms; a frame lasts 40 ms; a virtual machine may stand still itself.
    expect(longestGapMs(frames)).toBeLessThan(2500);
    expect(frames.length).toBeGreaterThan(150);
  });

  it('G1: never notices that the export was closed in mid-stream', async () => {
    const { host, reader, baseDir } = await hostAndReader();
    const hashes = join(ownTempDir(), 'hashes');
    await host.ask({
      action: 'start',
      cameraId: 'cam',
      args: testPicture({ size: '320x240', seconds: 3, hashes }),
    });
    await reportAt(reader, 5);
    await host.ask({ action: 'close', cameraId: 'cam' });
    expect(entriesOf(baseDir)).toEqual([]);
    expect(await host.ask({ action: 'waitForFfmpeg', cameraId: 'cam' })).toEqual({ code: 0, signal: null });
    expect(readHashes(hashes)).toHaveLength(75);
    expect((await reader.ask<Report>({ action: 'report' })).verdicts).toEqual(['ended', 'absent']);
  });

  it('P2.7: may be restarted on the same export, and ids go on', async () => {
    const { host, reader } = await hostAndReader();
    const folder = ownTempDir();
    const runs = [join(folder, '1'), join(folder, '2')] as const;
    for (const hashes of runs) {
      await host.ask({
        action: 'start',
        cameraId: 'cam',
        args: testPicture({ size: '320x240', seconds: 1, hashes }),
      });
      await host.ask({ action: 'waitForFfmpeg', cameraId: 'cam' });
    }
    const { frames, verdicts } = await reportAt(reader, 50);
    expect(verdicts).toEqual([]);
    expect(frames.at(-1)?.frameId).toBe(50);
    expectBitExact(frames, runs.flatMap(readHashes));
  });

  it('P2.7: may come back with another resolution, and readers follow', async () => {
    const { host, reader } = await hostAndReader();
    const folder = ownTempDir();
    const runs = [join(folder, '1'), join(folder, '2')] as const;
    await host.ask({
      action: 'start',
      cameraId: 'cam',
      args: testPicture({ size: '320x240', seconds: 1, hashes: runs[0] }),
    });
    await host.ask({ action: 'waitForFfmpeg', cameraId: 'cam' });
    await statisticsAtTheEnd(host);
    await reportAt(reader, 25);
    await host.ask({ action: 'changeGeometry', cameraId: 'cam', width: 640, height: 480 });
    await host.ask({
      action: 'start',
      cameraId: 'cam',
      args: testPicture({ size: '640x480', seconds: 1, hashes: runs[1] }),
    });
    await host.ask({ action: 'waitForFfmpeg', cameraId: 'cam' });
    const { frames, verdicts } = await reportAt(reader, 50);
    expect(verdicts).toEqual(['replaced', 'reopened']);
    expect(frames.at(-1)).toMatchObject({ frameId: 50, width: 640 });
    expectBitExact(frames, runs.flatMap(readHashes));
  });

  it('drops the frame that a killed FFmpeg left unfinished, and counts it', async () => {
    const { host, reader } = await hostAndReader();
    const oneAndAHalf = `head -c ${String(320 * 240 * 1.5 * 1.5)} /dev/zero >&3`;
    await host.ask({ action: 'start', cameraId: 'cam', command: 'sh', args: ['-c', oneAndAHalf] });
    await host.ask({ action: 'waitForFfmpeg', cameraId: 'cam' });
    expect(await statisticsAtTheEnd(host)).toMatchObject({
      framesWritten: 1,
      framesIncomplete: 1,
    });
    expect((await reportAt(reader, 1)).frames).toHaveLength(1);
  });

  it('gets no descriptor of ours but its own', async () => {
    const exporter = createFrameExporter({ baseDir: ownBaseDir(), env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
    onTestFinished(() => {
      exporter.close();
    });
    const camera = exporter.openCamera({ cameraId: 'cam', width: 64, height: 48 });
    const listing = camera.attach((fd) =>
      spawn('sh', ['-c', 'ls -l /proc/self/fd'], { stdio: ['ignore', 'pipe', 'inherit', fd ?? 'ignore'] }),
    );
    let output = '';
    listing.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
    await once(listing, 'close');
    expect(output).toMatch(/ 3 -> pipe:/);
    // Nothing of the export's files, locks and pipes but number 3.
    expect(output).not.toMatch(/vas-test|frame\.(data|meta)|\.lock/);
  });

  it('closes the pipe when the host fails to spawn, and hands the failure on', () => {
    const exporter = createFrameExporter({ baseDir: ownBaseDir(), env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
    onTestFinished(() => {
      exporter.close();
    });
    const camera = exporter.openCamera({ cameraId: 'cam', width: 64, height: 48 });
    expect(() =>
      camera.attach(() => {
        throw new Error('no such program');
      }),
    ).toThrow('no such program');
    expect(camera.attach((fd) => fd)).not.toBeNull();
  });
});

describe('readers that misbehave', () => {
  it('P2.5: are killed or stopped in the middle of a read, and nobody notices', async () => {
    const { host, reader, source } = await hostAndReader();
    const stopped = new Peer('reader.mjs', [source.path]);
    const killed = new Peer('reader.mjs', [source.path]);
    const hashes = join(ownTempDir(), 'hashes');
    await host.ask({
      action: 'start',
      cameraId: 'cam',
      args: testPicture({ size: '320x240', seconds: 4, hashes }),
    });
    for (const peer of [stopped, killed]) await reportAt(peer, 5);
    const outcome = stopped.ask<string>({ action: 'stopInRead' });
    await killed.kill();
    await host.ask({ action: 'waitForFfmpeg', cameraId: 'cam' });
    stopped.process.signal('SIGCONT');
    // It was overtaken while it was stopped: what it looked at must not be delivered.
    expect(await outcome).toBe('overwritten');
    const { frames } = await reportAt(reader, 100);
    expectBitExact(frames, readHashes(hashes));
    expect(await statisticsAtTheEnd(host)).toMatchObject({ framesWritten: 100 });
    expect(longestGapMs(frames)).toBeLessThan(2500);
  });
});

describe('a host that is killed', () => {
  it('P2.6: leaves nothing that its next start does not clean up, and readers find the new export', async () => {
    const { host, reader, baseDir, source } = await hostAndReader();
    await host.ask({ action: 'publishForever', cameraId: 'cam', sizeBytes: 320 * 240 * 1.5 });
    const health = (): Promise<{ state: string }> => reader.ask({ action: 'health' });
    await untilHealthIs('live', health);
    await host.kill();
    expect(entriesOf(baseDir)).toContain('cam');
    await untilHealthIs('dead', health);
    const before = (await reader.ask<Report>({ action: 'report' })).frames.length;
    const next = new Peer('host.mjs', [baseDir], { AI_FRAME_EXPORT_ENABLED: 'true' });
    await next.ask({ action: 'open', cameraId: 'cam', width: 320, height: 240, slotCount: 8 });
    await next.ask({ action: 'publishForever', cameraId: 'cam', sizeBytes: 320 * 240 * 1.5 });
    while ((await reader.ask<Report>({ action: 'report' })).frames.length === before) await sleep(20);
    const { frames, verdicts } = await reader.ask<Report>({ action: 'report' });
    expect(verdicts).toEqual(expect.arrayContaining(['writer-gone', 'reopened']));
    // A frame of the new export, whose ids begin again.
    expect(frames[before]?.frameId).toBeLessThan(200);
    expect(openFrameSource(source).health().state).toBe('live');
    expect(entriesOf(baseDir).filter((name) => name.endsWith('.new'))).toEqual([]);
    await next.ask({ action: 'close', cameraId: 'cam' });
    expect(entriesOf(baseDir)).toEqual([]);
  });

  it('P2.6: is told from one that is merely stopped', async () => {
    const { host, source } = await hostAndReader();
    const reader = openFrameSource(source);
    const health = (): Promise<{ state: string }> => Promise.resolve(reader.health());
    expect(reader.health().state).toBe('idle');
    host.process.signal('SIGSTOP');
    await untilHealthIs('hung', health);
    expect(reader.lookNext(() => 0).status).toBe('nothing-newer');
    host.process.signal('SIGCONT');
    await untilHealthIs('idle', health);
    await host.kill();
    await untilHealthIs('dead', health);
    expect(reader.lookNext(() => 0).status).toBe('writer-gone');
    reader.close();
  });
});
