/** Checks of what callers pass in: the types hold for TypeScript, these hold for everybody. */
import { isAbsolute } from 'node:path';
import { nv12Geometry } from '@vas/ring-buffer';
import type { ChromaSiting, ColourRange, FrameColours, FrameGeometry } from '@vas/ring-buffer';
import { FrameExportError } from './errors.js';

/** What a value is, short enough for a sentence. */
export function described(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
    case 'number':
      return String(value);
    case 'boolean':
    case 'bigint':
    case 'symbol':
      return `${String(value)} (a ${typeof value})`;
    case 'string': {
      const text = JSON.stringify(value);
      return `${text.length > 80 ? `${text.slice(0, 77)}..."` : text} (a string)`;
    }
    case 'function':
      return 'a function';
    case 'object':
      return value === null ? 'null' : kindOf(value);
  }
}

/** `[object Array]` and the like: tells what a value is, also one of another realm. */
function kindOf(value: object): string {
  return Object.prototype.toString.call(value);
}

/** Whether a function is declared `async`, so that its result is a promise. */
export function isAsyncFunction(value: object): boolean {
  return kindOf(value) === '[object AsyncFunction]';
}

/** Whether a value is a promise itself. A child process that can be awaited is none: it has begun. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && kindOf(value) === '[object Promise]';
}

/** @throws FrameExportError `BAD_OPTION` unless the value is an object whose properties can be read */
export function checkedOptions<T extends object>(name: string, value: T): T {
  if (typeof value !== 'object' || (value as T | null) === null) {
    throw new FrameExportError('BAD_OPTION', `${name} must be an object, not ${described(value)}`);
  }
  return value;
}

/** @throws FrameExportError `BAD_OPTION` */
export function checkedInteger(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new FrameExportError(
      'BAD_OPTION',
      `${name} is ${described(value)}, which is not an integer from ${String(least)} to ${String(most)}`,
    );
  }
  return value;
}

/** @throws FrameExportError `BAD_OPTION` */
export function checkedBoolean(name: string, value: boolean): boolean {
  if (typeof value !== 'boolean') {
    throw new FrameExportError(
      'BAD_OPTION',
      `${name} is ${described(value)}, which is neither true nor false`,
    );
  }
  return value;
}

/** @throws FrameExportError `BAD_OPTION` unless the value is above 0 and at most 1000 */
export function checkedRate(name: string, value: number): number {
  if (typeof value !== 'number' || !(value > 0 && value <= 1000)) {
    throw new FrameExportError(
      'BAD_OPTION',
      `${name} is ${described(value)}, which is not a number above 0 and up to 1000`,
    );
  }
  return value;
}

/** @throws FrameExportError `BAD_OPTION` unless the value is an absolute path */
export function checkedPath(name: string, value: string): string {
  if (typeof value !== 'string' || !isAbsolute(value)) {
    throw new FrameExportError('BAD_OPTION', `${name} is ${described(value)}, which is not an absolute path`);
  }
  return value;
}

/** @throws FrameExportError `BAD_GEOMETRY` */
export function checkedGeometry(geometry: {
  readonly width: number;
  readonly height: number;
  readonly strideBytes?: number | undefined;
}): FrameGeometry {
  const { width, height, strideBytes } = geometry;
  for (const [name, value] of Object.entries({ width, height, strideBytes: strideBytes ?? width })) {
    if (typeof value !== 'number') {
      throw new FrameExportError('BAD_GEOMETRY', `${name} must be a number, not ${described(value)}`);
    }
  }
  try {
    return nv12Geometry(width, height, strideBytes);
  } catch (cause) {
    throw FrameExportError.from(cause);
  }
}

/** Colours as the native part takes them: the codes of H.273, and nothing for what is not said. */
export interface ColourCodes {
  matrix?: number;
  primaries?: number;
  transfer?: number;
  range?: number;
  chromaSiting?: number;
}

/** In the order of `VideoFullRangeFlag`. */
const RANGES: readonly ColourRange[] = ['limited', 'full'];
/** In the order of `Chroma420SampleLocType`. */
const SITINGS: readonly ChromaSiting[] = ['left', 'center', 'top-left', 'top', 'bottom-left', 'bottom'];

/** @throws FrameExportError `BAD_OPTION` for what is no code, range or siting */
export function checkedColours(colours: Partial<FrameColours>): ColourCodes {
  const { range = null, chromaSiting = null } = checkedOptions('colours', colours);
  const codes: ColourCodes = {};
  for (const name of ['matrix', 'primaries', 'transfer'] as const) {
    const code = colours[name] ?? null;
    if (code !== null) codes[name] = checkedInteger(`colours.${name}`, code, 0, 255);
  }
  if (range !== null) codes.range = placeOf('colours.range', range, RANGES);
  if (chromaSiting !== null) codes.chromaSiting = placeOf('colours.chromaSiting', chromaSiting, SITINGS);
  return codes;
}

function placeOf<T>(name: string, value: T, names: readonly T[]): number {
  const place = names.indexOf(value);
  if (place < 0) {
    throw new FrameExportError(
      'BAD_OPTION',
      `${name} is ${described(value)}, not one of ${names.join(', ')}`,
    );
  }
  return place;
}
