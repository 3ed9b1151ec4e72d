/** Slow readers, in model time. How much they get at which length of a look is conformance data. */
import { describe, expect, it } from 'vitest';
import { makeRing, pushUntil } from './rings.js';
import { INTERVAL, readSlowly } from './slow-reader.js';

describe('a slow reader', () => {
  it.each(['newest', 'next'] as const)('P2.19: is told exactly what it missed, by the %s frame', (call) => {
    for (const slotCount of [3, 4, 8]) {
      for (let look = 50; look <= (slotCount + 1) * INTERVAL; look += 50) {
        const told = readSlowly(slotCount, look, 200 * INTERVAL, call);
        expect(told.delivered + told.missed).toBe(told.newest);
      }
    }
  });

  it('P2.19: is not taken for a fast one because somebody looks at a frame by its id in between', () => {
    const { writer, reader } = makeRing({ slotCount: 6 });
    pushUntil(writer, 6);
    const slowLook = (): void => {
      pushUntil(writer, writer.newestId + 2);
    };
    for (let i = 0; i < 2; i++) reader.lookNewest(slowLook);
    reader.lookAt(() => 0, writer.newestId);
    const result = reader.lookNext(slowLook, 0);
    expect(result).toMatchObject({ status: 'frame', frame: { frameId: 9 } });
  });
});
