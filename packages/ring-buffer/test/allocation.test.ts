import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

describe('the heap', () => {
  it('P1.1: does not grow with the frames that are pushed', () => {
    const script = fileURLToPath(new URL('workers/measure-push.mjs', import.meta.url));
    // With room for a whole round of objects, so that no collection hides any.
    const flags = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];
    const bytesPerFrame = JSON.parse(
      execFileSync(process.execPath, [...flags, script], { encoding: 'utf8' }),
    ) as Record<string, number>;
    const { wholeAndOneObject, ...pushing } = bytesPerFrame;
    // The smallest object has 16 bytes.
    expect(wholeAndOneObject).toBeGreaterThanOrEqual(16);
    expect(Object.keys(pushing)).toEqual(['whole', 'chunks', 'stamped', 'inPlace', 'rejected']);
    for (const [way, bytes] of Object.entries(pushing)) expect(bytes, way).toBeLessThan(1);
  });
});
