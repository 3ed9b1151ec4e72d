import { expect, it } from 'vitest';
import { RtpReceptionCounter } from '../src/rtp-reception.js';

function packet(sequence: number, packetType = 101): Uint8Array {
  const bytes = new Uint8Array(20);
  bytes.set([0x80, packetType, (sequence >> 8) & 0xff, sequence & 0xff]);
  return bytes;
}

function receive(sequences: readonly number[], intervalMs = 10): RtpReceptionCounter {
  const counter = new RtpReceptionCounter();
  for (const [index, sequence] of sequences.entries())
    counter.accept(packet(sequence), index * intervalMs, 6004);
  return counter;
}

it('counts packets, and none lost across the wrap of the sequence', () => {
  expect(receive([65534, 65535, 0, 1]).reception()).toEqual({
    packets: 4,
    bytes: 80,
    lost: 0,
    longestGapMs: 10,
  });
});

it('counts every missing sequence number as lost', () => {
  expect(receive([65534, 1, 4]).reception()).toMatchObject({ packets: 3, lost: 4 });
});

it('takes back a loss when the packet arrives late', () => {
  expect(receive([1, 3, 2, 4]).reception()).toMatchObject({ packets: 4, lost: 0 });
});

it('takes a sender that began anew neither for loss nor for a gap', () => {
  const counter = receive([1, 2]);
  counter.accept(packet(40_000), 5000, 6004);
  counter.accept(packet(40_001), 5015, 6004);
  expect(counter.reception()).toMatchObject({ packets: 4, lost: 0, longestGapMs: 15 });
  counter.accept(packet(40_100), 9000, 7004);
  counter.accept(packet(40_101), 9020, 7004);
  expect(counter.reception()).toMatchObject({ packets: 6, lost: 0, longestGapMs: 20 });
});

it('leaves out RTCP and what is no RTP at all', () => {
  const counter = receive([1]);
  counter.accept(packet(9000, 200), 10, 6004);
  counter.accept(packet(2).subarray(0, 11), 20, 6004);
  counter.accept(new Uint8Array(20), 30, 6004);
  expect(counter.reception().packets).toBe(1);
  counter.accept(packet(2, 101 | 0x80), 40, 6004);
  expect(counter.reception()).toMatchObject({ packets: 2, lost: 0, longestGapMs: 40 });
});
