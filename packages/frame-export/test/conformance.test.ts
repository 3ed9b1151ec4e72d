/** The conformance data that is about cameras. A file that is not run here fails the test. */
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cameraPath } from '../src/camera-path.js';
import { OLD_AFTER_MS, judge } from '../src/health.js';

const conformance = new URL('../../../rust-shm/protocol/conformance/', import.meta.url);

interface Rows<Row> {
  readonly rows: readonly Row[];
}

const files: Record<string, () => void> = {
  health,
  'camera-ids': cameraIds,
  'error-codes': errorCodes,
};

describe('the conformance data for cameras', () => {
  it('P2.18: is all run here, and what is about rings in @vas/ring-buffer', () => {
    const names = readdirSync(new URL('camera/', conformance)).map((name) => name.replace('.json', ''));
    expect(names.sort()).toEqual(Object.keys(files).sort());
    expect(readdirSync(conformance).sort()).toEqual(['README.md', 'camera', 'ring']);
  });

  it.each(Object.entries(files))('P2.18: %s hold', (_, run) => {
    run();
  });
});

function load(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, conformance), 'utf8'));
}

interface HealthRow {
  readonly state: number;
  readonly heartbeat_age_ns: number;
  readonly frame_age_ns: number | null;
  readonly lock_is_held: boolean;
  readonly health: string;
}

function health(): void {
  const states = { 1: 'live', 2: 'ended', 3: 'replaced' } as const;
  for (const row of (load('camera/health') as Rows<HealthRow>).rows) {
    const state = row.state === 1 || row.state === 2 || row.state === 3 ? states[row.state] : 'damaged';
    const frameAgeMs = row.frame_age_ns === null ? null : row.frame_age_ns / 1e6;
    const judged = judge(state, row.heartbeat_age_ns / 1e6, frameAgeMs, () => row.lock_is_held);
    expect(judged, JSON.stringify(row)).toBe(row.health);
  }
  const { old_after_ns: oldAfterNs } = load('ring/constants') as { old_after_ns: number };
  expect(OLD_AFTER_MS * 1e6).toBe(oldAfterNs);
}

function cameraIds(): void {
  const { rows } = load('camera/camera-ids') as Rows<{ id: string; is_valid: boolean }>;
  for (const { id, is_valid: isValid } of rows) {
    const path = (): string => cameraPath('/base', id);
    if (isValid) expect(path()).toBe(`/base/${id}`);
    else expect(path, JSON.stringify(id)).toThrow(expect.objectContaining({ code: 'BAD_CAMERA_ID' }));
  }
}

interface CodeRow {
  readonly code: string;
  readonly frame_export: boolean;
  readonly ring_buffer: boolean;
}

function errorCodes(): void {
  const { rows } = load('camera/error-codes') as Rows<CodeRow>;
  const source = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
  const list = /const CODES = \[([^\]]*)\]/.exec(source('../src/errors.ts'))?.[1] ?? '';
  const codes = (text: string): (string | undefined)[] =>
    [...text.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code);
  const expected = (who: 'frame_export' | 'ring_buffer'): string[] =>
    rows.filter((row) => row[who]).map(({ code }) => code);
  expect(codes(list).sort()).toEqual(expected('frame_export').sort());
  const union = source('../../ring-buffer/src/errors.ts')
    .split('export type RingBufferErrorCode =')[1]
    ?.split(';')[0];
  expect(codes(union ?? '').sort()).toEqual(expected('ring_buffer').sort());
}
