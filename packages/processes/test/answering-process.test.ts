import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { AnsweringProcess, ProcessEnded } from '../src/index.js';
import type { AnsweringProcessOptions } from '../src/index.js';

interface Answers {
  readonly double: (number: number) => number;
  readonly nothing: () => void;
  readonly refuse: () => Promise<never>;
  readonly reportTwice: () => Promise<void>;
  readonly die: () => never;
  readonly wait: () => Promise<never>;
}

const script = new URL('processes/answerer.mjs', import.meta.url);

function start(options: AnsweringProcessOptions = {}): AnsweringProcess<Answers> {
  const started = new AnsweringProcess<Answers>(script, { stderr: 'keep', ...options });
  onTestFinished(() => started.kill());
  return started;
}

it('answers each request with what its handler returns, whatever the order', async () => {
  const answerer = start();
  expect(await Promise.all([1, 2, 3].map((number) => answerer.ask('double', number)))).toEqual([2, 4, 6]);
  await expect(answerer.ask('nothing')).resolves.toBeUndefined();
});

it('rejects with the code and the message of what a handler throws', async () => {
  const answerer = start();
  await expect(answerer.ask('refuse')).rejects.toThrow(/^refuse: REFUSED not today$/);
  expect(await answerer.ask('double', 1)).toBe(2);
});

it('passes on what the process reports without being asked', async () => {
  const reports: unknown[] = [];
  const answerer = start({ onReport: (value) => reports.push(value) });
  await answerer.ask('reportTwice');
  expect(reports).toEqual([1, 2]);
});

it('rejects every request, pending or later, once the process has ended, and says how it ended', async () => {
  const answerer = start();
  const pending = answerer.ask('wait');
  await Promise.all([
    expect(pending).rejects.toThrow(/ended \(7\) before it answered wait: this is the end/),
    expect(answerer.ask('die')).rejects.toThrow(ProcessEnded),
  ]);
  await expect(answerer.ask('double', 1)).rejects.toThrow(ProcessEnded);
  expect([answerer.hasEnded, answerer.ending]).toEqual([true, '7']);
});

it('rejects where the process cannot be started', async () => {
  const answerer = start({ launcher: ['/nowhere/program'] });
  await answerer.ended();
  await expect(answerer.ask('nothing')).rejects.toThrow(ProcessEnded);
});

it('is ended by stop, by kill, and by the launcher that it runs under', async () => {
  const stopped = start();
  await stopped.ask('nothing');
  await stopped.stop();
  expect(stopped.ending).toBe('0');
  const killed = start({ launcher: ['env'] });
  await killed.ask('nothing');
  await killed.kill();
  expect(killed.ending).toBe('SIGKILL');
});

it('ends when the process that started it is killed', async () => {
  const parent = spawn(
    process.execPath,
    [fileURLToPath(new URL('processes/parent.mjs', import.meta.url)), fileURLToPath(script)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => {
    parent.kill('SIGKILL');
  });
  const [pid] = (await once(parent.stdout.setEncoding('utf8'), 'data')) as [string];
  parent.kill('SIGKILL');
  await expect.poll(() => existsSync(`/proc/${pid.trim()}`), { timeout: 10_000 }).toBe(false);
});
