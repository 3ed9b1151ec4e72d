import { describe, expect, it } from 'vitest';
import { ownBaseDir } from './base-dir.js';
import { codeOf, open, picture, sourceOf } from './cameras.js';
import type { FrameColours } from '@vas/frame-export';

const BT709: FrameColours = {
  matrix: 1,
  primaries: 1,
  transfer: 1,
  range: 'limited',
  chromaSiting: 'left',
};
const NOT_SAID: FrameColours = {
  matrix: null,
  primaries: null,
  transfer: null,
  range: null,
  chromaSiting: null,
};

describe('the colours of a camera', () => {
  it.each<[Partial<FrameColours> | undefined, FrameColours]>([
    [undefined, NOT_SAID],
    [{}, NOT_SAID],
    [BT709, BT709],
    [
      { matrix: 9, range: 'full', chromaSiting: 'bottom' },
      { ...NOT_SAID, matrix: 9, range: 'full', chromaSiting: 'bottom' },
    ],
    // H.273 has a code for it, too.
    [
      { matrix: 2, primaries: null, transfer: 13 },
      { ...NOT_SAID, transfer: 13 },
    ],
  ])('P2.14: %j are with every frame', (colours, seen) => {
    const camera = open(ownBaseDir(), { colours });
    camera.publish(picture(1));
    expect(sourceOf(camera).lookNewest((_, frame) => frame.colours)).toMatchObject({ value: seen });
  });

  it('P2.14, P2.7: change with the generation, and stay when only the size changes', () => {
    const camera = open(ownBaseDir(), { colours: BT709 });
    const source = sourceOf(camera);
    camera.publish(picture(1));
    expect(source.lookNext(() => 0).status).toBe('frame');
    camera.changeGeometry({ width: 64, height: 48, colours: BT709 });
    expect(camera.statistics().generation).toBe(1);
    camera.changeGeometry({ width: 64, height: 48, colours: { matrix: 5, range: 'full' } });
    expect(camera.statistics().generation).toBe(2);
    camera.publish(picture(2));
    expect(source.lookNext(() => 0).status).toBe('replaced');
    expect(source.reopen()).toMatchObject({ status: 'reopened', isNewEpoch: false });
    const colours = { ...NOT_SAID, matrix: 5, range: 'full' };
    expect(source.lookNext((_, frame) => frame.colours)).toMatchObject({ value: colours, missed: 0 });
    camera.changeGeometry({ width: 32, height: 48 });
    camera.publish(picture(3, 32 * 48 * 1.5));
    expect(sourceOf(camera).lookNewest((_, frame) => frame.colours)).toMatchObject({ value: colours });
  });

  it.each([[{ matrix: 256 }], [{ transfer: '1' }], [{ range: 'tv' }], [{ chromaSiting: 0 }], [7]])(
    'P2.14: %j are BAD_OPTION',
    (colours) => {
      expect(codeOf(() => open(ownBaseDir(), { colours: colours as Partial<FrameColours> }))).toBe(
        'BAD_OPTION',
      );
    },
  );
});
