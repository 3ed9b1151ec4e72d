import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ownProcess } from '../src/index.js';

const OWNER = fileURLToPath(new URL('processes/owner.mjs', import.meta.url));

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'kills the processes of a program that %s ends, before it does what else waits for its exit',
  async (signal) => {
    const owner = ownProcess(spawn(process.execPath, [OWNER], { stdio: ['ignore', 'pipe', 'inherit'] }));
    let said = '';
    owner.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await once(owner.stdout, 'data');
    owner.kill(signal);
    expect(await once(owner, 'close')).toEqual([128 + constants.signals[signal], null]);
    const [pid, wasKilled] = said.split('\n');
    expect(wasKilled).toBe('true');
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
  },
);
