/** A reader of one camera: follows it, or says on demand what it sees. */
import { readdirSync, writeFileSync } from 'node:fs';
import { openFrameSource } from '@vas/frame-export/reader';
import type { FrameSource } from '@vas/frame-export/reader';
import { answerRequests } from '@vas/processes';
import { usageOf } from '../usage.js';
import { collectGarbage } from './collect-garbage.js';

let source: FrameSource | null = null;
let into = new Uint8Array();
const followed = { frames: 0, missed: 0, reopened: 0 };

function opened(): FrameSource {
  if (source === null) throw new Error('no source is open');
  return source;
}

function reopen(): string {
  const { status } = opened().reopen();
  if (status === 'reopened') into = new Uint8Array(opened().frameSizeBytes);
  return status;
}

function poll(): void {
  for (;;) {
    const result = opened().copyNext(into);
    if (result.status === 'nothing-newer') return;
    if (result.status === 'frame') {
      followed.frames += 1;
      followed.missed += result.missed;
    } else if (result.status !== 'overwritten') {
      if (reopen() !== 'reopened') return;
      followed.reopened += 1;
    }
  }
}

const actions = {
  open({ path }: { path: string }) {
    source = openFrameSource({ path });
    into = new Uint8Array(source.frameSizeBytes);
  },
  follow({ everyMs }: { everyMs: number }) {
    setInterval(poll, everyMs);
  },
  followed: () => followed,
  health: () => opened().health(),
  next: () => opened().copyNext(into).status,
  reopen,
  /** What stands in the way of writing where the frames are, and which processes are in sight. */
  surroundings({ path }: { path: string }) {
    const attempt = (write: () => void): string => {
      try {
        write();
        return 'written';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? 'error';
      }
    };
    return {
      pid: process.pid,
      processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length,
      shared: readdirSync('/dev/shm').length,
      newFile: attempt(() => {
        writeFileSync(`${path}/planted`, '');
      }),
      frameFile: attempt(() => {
        writeFileSync(`${path}/frame.meta`, '', { flag: 'r+' });
      }),
    };
  },
  async usage({ baseDir }: { baseDir: string }) {
    await collectGarbage();
    return usageOf('self', baseDir);
  },
};

export type ReaderActions = typeof actions;

answerRequests(actions);
