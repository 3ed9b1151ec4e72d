/** What FFmpeg says of the colours of a stream, in the codes of ITU-T H.273. */
import type { FrameColours } from '@vas/frame-export/types';

/** By FFmpeg's names. */
const MATRICES: Readonly<Record<string, number>> = {
  bt709: 1,
  fcc: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  bt2020nc: 9,
  bt2020c: 10,
};
const PRIMARIES: Readonly<Record<string, number>> = {
  bt709: 1,
  bt470m: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  film: 8,
  bt2020: 9,
  smpte431: 11,
  smpte432: 12,
};
const TRANSFERS: Readonly<Record<string, number>> = {
  bt709: 1,
  bt470m: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  linear: 8,
  'iec61966-2-1': 13,
  'bt2020-10': 14,
  'bt2020-12': 15,
  smpte2084: 16,
  'arib-std-b67': 18,
};

/** Not the range, which the raw output states. */
export type SourceColours = Pick<FrameColours, 'matrix' | 'primaries' | 'transfer'>;

/**
 * Reads them from FFmpeg's description of its input, as in `Stream #0:0: Video: h264 (High), yuv420p(tv, bt709), 640x360`;
 * three names, as in `smpte170m/bt470bg/bt709`, are matrix, primaries and transfer. What is not there is `null`.
 */
export function parseColours(description: string): SourceColours {
  const line = /Stream #0:\d+.*?: Video: .*/.exec(description)?.[0] ?? '';
  const said = /, \w+\(([^)]*)\)/.exec(line)?.[1]?.split(', ') ?? [];
  const names = said
    .map((word) => word.split('/'))
    .find(([matrix = '']) => matrix in MATRICES || matrix === 'unknown');
  const [matrix = '', primaries = matrix, transfer = matrix] = names ?? [];
  return {
    matrix: MATRICES[matrix] ?? null,
    primaries: PRIMARIES[primaries] ?? null,
    transfer: TRANSFERS[transfer] ?? null,
  };
}
