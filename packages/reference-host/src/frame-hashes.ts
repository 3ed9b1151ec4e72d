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

/**
 * Hashes by frame id, from all hash files of one camera. Frame ids begin again when an export is opened anew,
 * so an id may have several; frame `n` of a file is frame `first + n` of the export because every frame of a
 * run is published.
 */
export function readFrameHashes(frameHashDir: string): Map<number, Set<string>> {
  const byFrameId = new Map<number, Set<string>>();
  for (const name of readdirSync(frameHashDir)) {
    const file = parseFrameHashFileName(name);
    if (file === null) continue;
    for (const [index, hash] of parseFrameMd5(readFileSync(join(frameHashDir, name), 'utf8')).entries()) {
      const frameId = file.firstFrameId + index;
      const known = byFrameId.get(frameId);
      if (known === undefined) byFrameId.set(frameId, new Set([hash]));
      else known.add(hash);
    }
  }
  return byFrameId;
}
