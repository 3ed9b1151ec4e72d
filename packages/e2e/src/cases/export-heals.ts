/** Somebody removes or replaces the files of an export: it comes back by itself, and FFmpeg notices nothing. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReaderReport } from '../reader/requests.js';
import type { Case } from '../run/case.js';
import type { Checks } from '../run/check.js';
import { ffmpegPid, startsOf, statusOfFirst } from '../run/restart.js';
import type { Stage } from '../run/stage.js';

/** How soon an export is back, by P2.13. */
const HEALING_MS = 2_000;
const PATIENCE_MS = 20_000;

/** Does something to the files, and waits until the export has put them back. */
async function damage(stage: Stage, checks: Checks, label: string, spoil: () => void): Promise<void> {
  const before = (await statusOfFirst(stage)).statistics?.restored ?? 0;
  stage.mark(label);
  spoil();
  const tookMs = await until(async () => ((await statusOfFirst(stage)).statistics?.restored ?? 0) > before);
  checks.add(`${label}: the export is back`, tookMs !== null);
  checks.addPace(
    `${label}: within ${HEALING_MS / 1000} s`,
    tookMs !== null && tookMs <= HEALING_MS,
    `${tookMs?.toFixed(0)} ms`,
  );
  await sleep(1_000);
}

/** How long it took until something is so; `null` if it does not become so. */
async function until(isSo: () => Promise<boolean>): Promise<number | null> {
  const begun = performance.now();
  while (!(await isSo())) {
    if (performance.now() - begun > PATIENCE_MS) return null;
    await sleep(20);
  }
  return performance.now() - begun;
}

/** Whatever `run` does, FFmpeg is the same one afterwards, and the reader has gone on in the same epoch. */
async function unnoticed(stage: Stage, checks: Checks, run: () => Promise<void>): Promise<void> {
  const reader = await stage.reader('follow');
  const [pid, starts] = [await ffmpegPid(stage), await startsOf(stage)];
  await run();
  checks.add('FFmpeg is the same', (await ffmpegPid(stage)) === pid && (await startsOf(stage)) === starts);
  const report = await reader.ask('report');
  const told = report.verdicts.map(({ status }) => status);
  checks.add('the reader is told that the ring was replaced', told.includes('replaced'), told.join());
  checks.add('the reader goes on in the same epoch', !told.includes('new-epoch'), told.join());
  checks.add('frame ids go on', idsRise(report), `${report.seen.length} frames`);
  const statistics = (await statusOfFirst(stage)).statistics;
  checks.add('the drain publishes on', statistics?.drain === 'publishing', statistics?.drain);
}

function idsRise({ seen }: ReaderReport): boolean {
  return seen.every(({ frameId }, index) => index === 0 || frameId > (seen[index - 1]?.frameId ?? 0));
}

export const filesRemoved: Case = {
  name: 'files-removed',
  title: 'An outsider removes the folder of the camera, the base folder, one file, and the lock',
  requirements: ['G9', 'S2', 'P2.13'],
  isFollowed: false,
  isShort: true,
  run: (stage, checks) =>
    unnoticed(stage, checks, async () => {
      const { path } = stage.source();
      const remove = (file: string) => (): void => {
        rmSync(file, { recursive: true });
      };
      await damage(stage, checks, 'folder of the camera removed', remove(path));
      await damage(stage, checks, 'frame.data removed', remove(join(path, 'frame.data')));
      await damage(stage, checks, 'frame.meta removed', remove(join(path, 'frame.meta')));
      await damage(stage, checks, 'base folder emptied', () => {
        for (const name of readdirSync(stage.baseDir)) rmSync(join(stage.baseDir, name), { recursive: true });
      });
      await damage(stage, checks, 'base folder removed', remove(stage.baseDir));
    }),
};

export const filesReplaced: Case = {
  name: 'files-replaced',
  title: "An outsider deletes the camera's files, puts others in their place, and moves those away",
  requirements: ['S2', 'P2.5', 'P2.8', 'P2.13'],
  isFollowed: false,
  isShort: false,
  run: (stage, checks) =>
    unnoticed(stage, checks, async () => {
      const folder = stage.source().path;
      await damage(stage, checks, 'both files deleted', () => {
        rmSync(join(folder, 'frame.data'));
        rmSync(join(folder, 'frame.meta'));
      });
      stage.mark('folder replaced');
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      writeFileSync(join(folder, 'letter'), 'not a ring');
      const said = await until(async () => (await statusOfFirst(stage)).statistics?.notInPlace != null);
      const reason = (await statusOfFirst(stage)).statistics?.notInPlace ?? null;
      checks.add('the statistics say that the path is taken', said !== null, reason?.code);
      checks.add('what is not ours is left alone', existsSync(join(folder, 'letter')));
      await sleep(1_000);
      stage.mark('folder moved away');
      const before = (await statusOfFirst(stage)).statistics?.restored ?? 0;
      renameSync(folder, `${folder}.moved`);
      rmSync(`${folder}.moved`, { recursive: true });
      const back = await until(async () => ((await statusOfFirst(stage)).statistics?.restored ?? 0) > before);
      checks.add('then the export is back', back !== null, `${back?.toFixed(0)} ms`);
      await sleep(1_000);
    }),
};

export const shmFullWhileHealing: Case = {
  name: 'shm-full-while-healing',
  title: 'Shared memory is too small for the files that were removed, until there is more',
  requirements: ['S2', 'P2.8', 'P2.13'],
  // One ring of 1280x720 and no other: the former one keeps its memory until there is a next one.
  stage: { baseMount: '-t tmpfs -o size=8m,mode=755 none' },
  isFollowed: false,
  isShort: false,
  run: async (stage, checks) => {
    const [pid, starts] = [await ffmpegPid(stage), await startsOf(stage)];
    const inside = (...command: readonly string[]): void => {
      execFileSync('nsenter', [`--target=${stage.host.pid}`, '--mount', ...command]);
    };
    stage.mark('folder of the camera removed');
    inside('rm', '-r', stage.source().path);
    const said = await until(async () => (await statusOfFirst(stage)).statistics?.notInPlace != null);
    const reason = (await statusOfFirst(stage)).statistics?.notInPlace ?? null;
    checks.add(
      'the statistics say why it is not back',
      said !== null && reason?.code === 'NO_SPACE',
      reason?.code,
    );
    await sleep(2_000);
    stage.mark('more shared memory');
    inside('mount', '-o', 'remount,size=16m', stage.baseDir);
    const back = await until(async () => {
      const statistics = (await statusOfFirst(stage)).statistics;
      return (statistics?.restored ?? 0) > 0 && statistics?.notInPlace === null;
    });
    checks.add('then the export is back', back !== null, `${back?.toFixed(0)} ms`);
    checks.add('FFmpeg is the same', (await ffmpegPid(stage)) === pid && (await startsOf(stage)) === starts);
    await sleep(1_000);
  },
};
