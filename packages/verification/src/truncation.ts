/** The files of an export are made shorter, as root and the writer's own user can: nobody crashes. */
import { truncateSync } from 'node:fs';
import { Actor } from './actor.js';
import { withBaseDir } from './base-dir.js';
import type { Check, CheckResult, Row } from './check.js';

const CAMERA = { cameraId: 'cam', width: 640, height: 360, slotCount: 4 };

export const truncation: Check = {
  summary: 'frame.meta or frame.data is truncated under host and reader: readers are told, nobody crashes',

  async run() {
    const results: CheckResult[] = [];
    for (const file of ['frame.data', 'frame.meta']) results.push(await withBaseDir((dir) => cut(dir, file)));
    return {
      rows: results.flatMap(({ rows }) => rows),
      failures: results.flatMap(({ failures }) => failures),
    };
  },
};

async function cut(baseDir: string, file: string): Promise<CheckResult> {
  const host = new Actor('host', { env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
  const reader = new Actor('reader');
  const failures: string[] = [];
  const row: Record<string, string> = { truncated: file };
  const note = (what: string, found: string, ...allowed: readonly string[]): void => {
    row[what] = found;
    if (!allowed.includes(found)) failures.push(`${file}: ${what} is ${found}, not ${allowed.join(' or ')}`);
  };
  const outcome = (): Promise<string> =>
    host.ask('publish', { frames: 1 }).then(
      () => 'published',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
  try {
    const path = await host.ask('open', { baseDir, camera: CAMERA });
    await host.ask('publish', { frames: 2 });
    await reader.ask('open', { path });
    if ((await reader.ask('next')) !== 'frame') failures.push('no frame before');

    truncateSync(`${path}/${file}`, 0);
    note('read', await reader.ask('next'), 'overwritten', 'damaged', 'nothing-newer', 'writer-gone');
    note('health', (await reader.ask('health')).state, 'damaged');
    // Within a second or two the host puts whole files in the place of these.
    note('open again', await reader.ask('reopen'), 'incompatible', 'reopened');
    note('publish', await outcome(), 'publish: publish: closed');

    await host.ask('changeGeometry', { width: 320, height: 180 });
    note('publish in new memory', await outcome(), 'published');
    note('open then', await reader.ask('reopen'), 'reopened');
    note('read then', await reader.ask('next'), 'frame');
    await host.ask('close');
    note('at the end', (await reader.ask('health')).state, 'ended');
  } finally {
    await Promise.all([host.kill(), reader.kill()]);
  }
  return { rows: [row satisfies Row], failures };
}
