import { expect, it } from 'vitest';
import type { TearCounts } from '../src/tear/counts.js';
import { failuresOf } from '../src/tear/verdict.js';

const raced: TearCounts = { accepted: 9, lapped: 3, tornAccepted: 0, tornRefused: 2 };
const fooled: TearCounts = { ...raced, tornAccepted: 1, tornRefused: 0 };

function failures(withoutValidation: boolean, isShort: boolean, ...readers: TearCounts[]): string[] {
  const named = new Map(readers.map((counts, index) => [`reader ${index + 1}`, counts]));
  return failuresOf({ readers: named, withoutValidation, isShort });
}

it('P2.4: a hunt fails by a torn frame of any reader, by a reader that reads nothing, and without a race', () => {
  expect(failures(false, false, raced, raced)).toEqual([]);
  expect(failures(false, true, raced, fooled)).toEqual(['1 torn frames were accepted']);
  expect(failures(false, false, raced, { ...raced, accepted: 0 })).toEqual(['reader 2 read no frame']);
  const alone = { ...raced, lapped: 0, tornRefused: 0 };
  expect(failures(false, false, alone)).toEqual(['the readers never raced with the writer']);
});

it('P2.4: a hunt without validation fails by each reader that finds no torn frame, where each had time for it', () => {
  expect(failures(true, false, fooled, fooled)).toEqual([]);
  expect(failures(true, false, fooled, raced)).toEqual([
    'reader 2 found no torn frame, though it validated nothing',
  ]);
  expect(failures(true, true, fooled, raced)).toEqual([]);
  expect(failures(true, true, raced)).toEqual(['no torn frame was found, though nothing was validated']);
});
