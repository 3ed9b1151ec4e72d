/** A slow reader in model time: the writer publishes at a steady pace, and a look takes as long as it is told to. */
import { expect } from 'vitest';
import { makeRing, picture } from './rings.js';

/** Time is counted in thousandths of the interval between two frames. */
export const INTERVAL = 1000;

export interface Told {
  readonly delivered: number;
  readonly missed: number;
  readonly newest: number;
  readonly looksInOneCall: number;
}

/**
 * A reader at work for the time `run`, beside a writer that has published every frame whose time has come and opened the
 * next slot.
 */
export function readSlowly(slotCount: number, lookTime: number, run: number, call: 'newest' | 'next'): Told {
  const { writer, reader } = makeRing({ slotCount });
  const frame = picture(0);
  let now = 0;
  const advance = (time: number): void => {
    now += time;
    while ((writer.newestId + 1) * INTERVAL <= now) {
      writer.push(frame);
      writer.begin();
    }
  };
  let [delivered, missed, newest, looksInOneCall] = [0, 0, 0, 0];
  while (now < run) {
    let looks = 0;
    const look = (): void => {
      looks++;
      advance(lookTime);
    };
    const result = call === 'newest' ? reader.lookNewest(look, newest) : reader.lookNext(look, newest);
    looksInOneCall = Math.max(looksInOneCall, looks);
    if (result.status === 'frame') {
      delivered++;
      missed += result.missed;
      newest = result.frame.frameId;
    } else if (result.status === 'nothing-newer') {
      advance(INTERVAL - (now % INTERVAL));
    } else {
      expect(result.status).toBe('overwritten');
    }
  }
  return { delivered, missed, newest, looksInOneCall };
}
