/** What the numbers of a picture mean as colours, in the codes of ITU-T H.273, and the bytes that say it in a ring. */

import { RingBufferError } from './errors.js';

/** The colours of every picture of a ring; `null` is "not said". */
export interface FrameColours {
  /** `MatrixCoefficients`: 1 = BT.709, 5 and 6 = BT.601, 9 = BT.2020. */
  readonly matrix: number | null;
  /** `ColourPrimaries`: 1 = BT.709, 5 and 6 = BT.601, 9 = BT.2020. */
  readonly primaries: number | null;
  /** `TransferCharacteristics`: 1 = BT.709, 6 = BT.601, 13 = sRGB. */
  readonly transfer: number | null;
  /** Luma from 16 to 235 (`limited`) or from 0 to 255 (`full`). */
  readonly range: ColourRange | null;
  /** Where a chroma sample lies among its four luma samples. */
  readonly chromaSiting: ChromaSiting | null;
}

export type ColourRange = 'limited' | 'full';
export type ChromaSiting = 'left' | 'center' | 'top-left' | 'top' | 'bottom-left' | 'bottom';

/** In the order of H.273's `VideoFullRangeFlag`; the byte in the ring is the place in the list, from 1. */
const RANGES: readonly ColourRange[] = ['limited', 'full'];
/** In the order of H.273's `Chroma420SampleLocType`. */
const SITINGS: readonly ChromaSiting[] = ['left', 'center', 'top-left', 'top', 'bottom-left', 'bottom'];
/** H.273's own "unspecified", which a ring stores as 0, not said. */
const UNSPECIFIED = 2;

/**
 * The bytes of the ring header from `matrix` on. Codes 0 (which NV12 cannot have) and 2 (unspecified) become 0.
 *
 * @throws RingBufferError `BAD_COLOURS` for what is no code, range or siting.
 */
export function bytesOfColours(colours: Partial<FrameColours>): Uint8Array {
  const { matrix, primaries, transfer, range = null, chromaSiting = null } = colours;
  return Uint8Array.of(
    byteOfCode('matrix', matrix),
    byteOfCode('primaries', primaries),
    byteOfCode('transfer', transfer),
    byteOfName('range', range, RANGES),
    byteOfName('chroma siting', chromaSiting, SITINGS),
  );
}

/** What these bytes say. A value without meaning is not said. */
export function coloursOfBytes(bytes: Uint8Array): FrameColours {
  const code = (at: number): number | null => {
    const byte = bytes[at] ?? 0;
    return byte === 0 || byte === UNSPECIFIED ? null : byte;
  };
  return Object.freeze({
    matrix: code(0),
    primaries: code(1),
    transfer: code(2),
    range: RANGES[(bytes[3] ?? 0) - 1] ?? null,
    chromaSiting: SITINGS[(bytes[4] ?? 0) - 1] ?? null,
  });
}

function byteOfCode(what: string, code: number | null | undefined): number {
  if (code === null || code === undefined || code === UNSPECIFIED) return 0;
  if (Number.isInteger(code) && code >= 0 && code <= 255) return code;
  throw new RingBufferError('BAD_COLOURS', `the ${what} is a code of H.273 from 0 to 255, not ${code}`);
}

function byteOfName(what: string, name: string | null, names: readonly string[]): number {
  if (name === null) return 0;
  const place = names.indexOf(name);
  if (place >= 0) return place + 1;
  throw new RingBufferError('BAD_COLOURS', `the ${what} is one of ${names.join(', ')}, not ${name}`);
}
