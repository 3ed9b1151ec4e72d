import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { ownProcess } from '../src/index.js';

it('kills what still runs when this process exits, and watches the exit only as long as something runs', async () => {
  const before = process.listeners('exit');
  const ended = ownProcess(spawn('true'));
  const running = ownProcess(spawn('sleep', ['600']));
  onTestFinished(() => {
    running.kill('SIGKILL');
  });
  await once(ended, 'exit');
  const added = process.listeners('exit').filter((listener) => !before.includes(listener));
  expect(added).toHaveLength(1);
  added[0]?.(0);
  expect(await once(running, 'exit')).toEqual([null, 'SIGKILL']);
  expect(process.listeners('exit')).toEqual(before);
});

it('forgets what could not be started', async () => {
  const before = process.listeners('exit');
  const child = ownProcess(spawn('/nowhere/program'));
  await once(child, 'error');
  expect(process.listeners('exit')).toEqual(before);
});
