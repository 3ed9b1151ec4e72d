import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RtpCounter } from '../src/viewer/rtp-counter.js';
import type { StreamCount } from '../src/viewer/rtp-counter.js';

interface Packet {
  readonly sequence: number;
  readonly timestamp?: number;
  readonly ssrc?: number;
  readonly payloadType?: number;
  readonly payload?: string;
}

function rtp({ sequence, timestamp = 0, ssrc = 7, payloadType = 101, payload = 'x' }: Packet): Buffer {
  const header = Buffer.alloc(12);
  header[0] = 0x80;
  header[1] = payloadType;
  header.writeUInt16BE(sequence, 2);
  header.writeUInt32BE(timestamp, 4);
  header.writeUInt32BE(ssrc, 8);
  return Buffer.concat([header, Buffer.from(payload)]);
}

describe('the packet counter', () => {
  let counter: RtpCounter;
  const socket = createSocket('udp4');

  beforeEach(async () => {
    counter = await RtpCounter.start(1);
    await counter.begin();
  });

  afterEach(() => counter.stop());

  function send(packet: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      socket.send(packet, counter.ports[0], '127.0.0.1', (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  async function sendSequence(...sequence: number[]): Promise<StreamCount> {
    for (const number of sequence) await send(rtp({ sequence: number }));
    return report();
  }

  async function report(): Promise<StreamCount> {
    const [count] = await counter.report();
    if (count === undefined) throw new Error('there is one stream');
    return count;
  }

  it('counts what arrives in order, also where the sequence number wraps around', async () => {
    expect(await sendSequence(65534, 65535, 0, 1)).toMatchObject({ packets: 4, lost: 0, late: 0 });
  });

  it('counts what never comes as lost', async () => {
    expect(await sendSequence(1, 2, 6)).toMatchObject({ packets: 3, lost: 3 });
  });

  it('takes a packet that comes late for late and not for lost', async () => {
    expect(await sendSequence(1, 3, 2, 4)).toMatchObject({ packets: 4, lost: 0, late: 1 });
  });

  it('takes new time stamps for a sender that started again, whatever its sequence numbers', async () => {
    await send(rtp({ sequence: 1000, timestamp: 5_000_000 }));
    await send(rtp({ sequence: 900, timestamp: 3_000_000_000 }));
    await send(rtp({ sequence: 901, timestamp: 3_000_000_000 }));
    expect(await report()).toMatchObject({ packets: 3, lost: 0, late: 0, restarts: 1 });
  });

  it('tells a sender that started again behind its former time stamps, by the shorter way round', async () => {
    await send(rtp({ sequence: 1, timestamp: 3_000_000_000 }));
    await send(rtp({ sequence: 2, timestamp: 4_000_000_000 }));
    expect(await report()).toMatchObject({ restarts: 1, setBack: 0 });
    await send(rtp({ sequence: 3, timestamp: 500_000_000 }));
    expect(await report()).toMatchObject({ restarts: 2, setBack: 0 });
    await send(rtp({ sequence: 4, timestamp: 4_200_000_000 }));
    expect(await report()).toMatchObject({ restarts: 3, setBack: 1 });
  });

  it('counts neither probes for bandwidth nor RTCP', async () => {
    await send(rtp({ sequence: 1, ssrc: 1234 }));
    await send(rtp({ sequence: 1, payloadType: 127 }));
    await send(Buffer.from([0x80, 200, 0, 6, ...Array<number>(24).fill(0)]));
    expect(await report()).toMatchObject({ packets: 0 });
  });

  it('sees a pause between two packets, and where it was', async () => {
    await send(rtp({ sequence: 1 }));
    await sleep(400);
    await send(rtp({ sequence: 2 }));
    const { gaps, longestGapMs, per100Ms } = await report();
    expect(longestGapMs).toBeGreaterThanOrEqual(395);
    expect(gaps.some(({ ms }) => ms === longestGapMs)).toBe(true);
    expect(per100Ms.reduce((total, packets) => total + packets, 0)).toBe(2);
  });

  it('sees silence up to now as a pause', async () => {
    await send(rtp({ sequence: 1 }));
    await sleep(300);
    expect((await report()).longestGapMs).toBeGreaterThanOrEqual(295);
  });

  it('keeps payloads apart from headers', async () => {
    await counter.capture();
    await send(rtp({ sequence: 1, timestamp: 1, payload: 'same' }));
    await send(rtp({ sequence: 2, timestamp: 2, payload: 'same' }));
    await send(rtp({ sequence: 3, timestamp: 3, payload: 'other' }));
    const [[first, second, third] = []] = await counter.payloads();
    expect(first).toBe(second);
    expect(third).not.toBe(first);
  });
});
