/** What FFmpeg itself says its decoded frames are: the files of its `framemd5` output. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseFrameHashFileName } from './camera-host.js';

/**
 * The MD5 of each frame, in order. A last line without an end is left out: FFmpeg was killed while it wrote.
 * Line: stream, dts, pts, duration, size, hash.
 */
export function parseFrameMd5(text: string): string[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return [...whole.matchAll(/^0,.*, ([0-9a-f]{32})$/gm)].map(([, hash]) => String(hash));
}

/** What one run of FFmpeg decoded. */
export interface DecodedRun {
  /** Id of the first frame that it exported. */
  readonly firstFrameId: number;
  /** The MD5 of every frame that it decoded, in order. */
  readonly hashes: readonly string[];
}

/** What all runs of one camera's FFmpeg decoded, in the order of their starts. */
export function readDecodedRuns(frameHashDir: string): DecodedRun[] {
  return readdirSync(frameHashDir)
    .flatMap((name) => {
      const file = parseFrameHashFileName(name);
      if (file === null) return [];
      return [{ ...file, hashes: parseFrameMd5(readFileSync(join(frameHashDir, name), 'utf8')) }];
    })
    .sort((a, b) => a.start - b.start)
    .map(({ firstFrameId, hashes }) => ({ firstFrameId, hashes }));
}

/**
 * Hashes by frame id, where FFmpeg drops no frame by itself: its raw output is not isolated. Frame ids begin again when
 * an export is opened anew, so an id may have several.
 */
export function readFrameHashes(frameHashDir: string): Map<number, Set<string>> {
  const byFrameId = new Map<number, Set<string>>();
  for (const { firstFrameId, hashes } of readDecodedRuns(frameHashDir)) {
    for (const [index, hash] of hashes.entries()) {
      const frameId = firstFrameId + index;
      const known = byFrameId.get(frameId);
      if (known === undefined) byFrameId.set(frameId, new Set([hash]));
      else known.add(hash);
    }
  }
  return byFrameId;
}
