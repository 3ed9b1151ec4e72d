import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { entriesOf, ownBaseDir } from './base-dir.js';
import { ON, codeOf, exporterOn, open, picture, sourceOf } from './cameras.js';
import { createFrameExporter } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';

/** What a host without types hands in. */
type Untyped = (...given: unknown[]) => unknown;

function messageOf(call: () => unknown): string {
  try {
    call();
    return 'no error';
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    return `${String(code)}: ${String(message)}`;
  }
}

describe('a host without types', () => {
  it.each([
    [true, 'true (a boolean)'],
    [1, '1'],
    [null, 'null'],
    [{}, '[object Object]'],
  ])('G4: the flag as %j is off, with one warning that says what it is', (value, words) => {
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const exporter = (createFrameExporter as Untyped)({ env: { AI_FRAME_EXPORT_ENABLED: value } });
    expect(exporter).toMatchObject({ isEnabled: false });
    expect(warn.mock.calls.map(([text]) => String(text))).toEqual([expect.stringContaining(words)]);
    warn.mockRestore();
  });

  it('G4: makes an exporter whatever it passes', () => {
    for (const options of [undefined, null, {}, { env: {} }, { env: null, baseDir: 7 }]) {
      expect((createFrameExporter as Untyped)(options)).toMatchObject({ isEnabled: false });
    }
  });

  it.each([
    [{ baseDir: 7 }, /^BAD_OPTION: baseDir is 7/],
    [{ baseDir: '' }, /^BAD_OPTION: baseDir is "" \(a string\), which is not an absolute path/],
    [{ baseDir: 'vas' }, /^BAD_OPTION: baseDir is "vas"/],
    [{ fileMode: '0644' }, /^BAD_OPTION: fileMode is "0644" \(a string\)/],
    [{ wakeReaders: 1 }, /^BAD_OPTION: wakeReaders is 1, which is neither true nor false/],
    [{ checksum: 'yes' }, /^BAD_OPTION: checksum is "yes" \(a string\), which is neither true nor false/],
  ])('P2.8: options %j of the exporter are refused when a camera is opened', (options, words) => {
    const exporter = (createFrameExporter as Untyped)({ baseDir: ownBaseDir(), env: ON, ...options });
    const { openCamera } = exporter as { openCamera: Untyped };
    const camera = { cameraId: 'cam', width: 64, height: 48 };
    expect(messageOf(() => openCamera.call(exporter, camera))).toMatch(words);
  });

  it.each([
    [undefined, /^BAD_OPTION: the argument of openCamera must be an object, not undefined/],
    ['gate', /^BAD_OPTION: the argument of openCamera must be an object, not "gate" \(a string\)/],
    [{ cameraId: 7, width: 64, height: 48 }, /^BAD_CAMERA_ID: camera id 7 /],
    [{ cameraId: 'cam', width: '640', height: 48 }, /^BAD_GEOMETRY: width must be a number, not "640"/],
    [{ cameraId: 'cam', width: 64, height: 48, strideBytes: '64' }, /^BAD_GEOMETRY: strideBytes must be/],
    [
      { cameraId: 'cam', width: 64, height: 48, slotCount: '4' },
      /^BAD_OPTION: slotCount is "4" \(a string\)/,
    ],
  ])('P1.6, P2.8: openCamera(%j) is an error that says why', (options, words) => {
    const baseDir = ownBaseDir();
    const exporter = exporterOn(baseDir);
    expect(messageOf(() => (exporter.openCamera as Untyped).call(exporter, options))).toMatch(words);
    expect(entriesOf(baseDir)).toEqual([]);
  });

  it.each([
    ['gate', /^BAD_OPTION: openFrameSource takes \{ cameraId \} or \{ path \}, not "gate"/],
    [undefined, /^BAD_OPTION: the argument of openFrameSource/],
    [{ cameraId: 7 }, /^BAD_CAMERA_ID/],
    [{ path: 7 }, /^BAD_OPTION: path is 7/],
    [{ path: 'cam' }, /^BAD_OPTION: path is "cam"/],
    [{ cameraId: 'cam', baseDir: 'vas' }, /^BAD_OPTION: baseDir is "vas"/],
  ])('P2.9: openFrameSource(%j) is an error that says why', (location, words) => {
    expect(messageOf(() => (openFrameSource as Untyped)(location))).toMatch(words);
  });
});

describe('a source', () => {
  it('P2.1: is opened by the path of the folder alone', () => {
    const camera = open(ownBaseDir());
    camera.publish(picture(1));
    const source = openFrameSource({ path: `${camera.source.path}/../cam/` });
    expect(source.path).toBe(camera.source.path);
    expect(source.lookNewest((bytes) => bytes[0])).toMatchObject({ status: 'frame', value: 1 });
    source.close();
  });
});

describe('an export that is off', () => {
  it('G4, G7: opens a camera without arguments, and whatever they are', () => {
    const exporter = createFrameExporter({ env: {} });
    for (const options of [undefined, null, 'gate', 7, {}, { cameraId: Symbol('cam') }]) {
      const camera = (exporter.openCamera as Untyped).call(exporter, options);
      expect(camera).toMatchObject({ isEnabled: false, cameraId: '', isClosed: false });
    }
  });

  it('G7: has a frozen source with a normalised path, as one that is on', () => {
    const baseDir = ownBaseDir();
    const options = { cameraId: 'cam', width: 64, height: 48 };
    const [off, on] = [{}, ON].map((env) => {
      const exporter = createFrameExporter({ baseDir: `${baseDir}//x/..`, env });
      const { source } = exporter.openCamera(options);
      exporter.close();
      return source;
    });
    expect(off).toEqual({ cameraId: 'cam', path: `${baseDir}/cam`, layoutVersion: 1 });
    expect(off).toEqual(on);
    expect(Object.isFrozen(off) && Object.isFrozen(on)).toBe(true);
  });

  it.each([
    ['off', {}],
    ['on', ON],
  ])('G7: is closed after close(), with the flag %s', (_, env) => {
    const exporter = createFrameExporter({ baseDir: ownBaseDir(), env });
    const camera = exporter.openCamera({ cameraId: 'cam', width: 64, height: 48 });
    expect([camera.isClosed, exporter.isClosed]).toEqual([false, false]);
    camera.close();
    exporter.close();
    expect([camera.isClosed, exporter.isClosed]).toEqual([true, true]);
  });

  it.each([
    ['off', {}],
    ['on', ON],
  ])('O2: has statistics that JSON can carry, with the flag %s', (_, env) => {
    const exporter = createFrameExporter({ baseDir: ownBaseDir(), env });
    const camera = exporter.openCamera({ cameraId: 'cam', width: 64, height: 48 });
    camera.publish(picture(1));
    const statistics = camera.statistics();
    expect(JSON.parse(JSON.stringify(statistics))).toEqual(statistics);
    exporter.close();
    camera.attach(() => null);
    const closed = camera.statistics();
    expect(JSON.parse(JSON.stringify(closed))).toEqual(closed);
  });
});

describe('a closed exporter', () => {
  it('P2.6: opens nothing any more', () => {
    const baseDir = ownBaseDir();
    const exporter = exporterOn(baseDir);
    exporter.close();
    expect(codeOf(() => exporter.openCamera({ cameraId: 'cam', width: 64, height: 48 }))).toBe('CLOSED');
    expect(codeOf(() => exporter.sweep())).toBe('CLOSED');
    expect(entriesOf(baseDir)).toEqual([]);
  });
});

describe('sweep', () => {
  it('P2.6: removes what crashed processes left, and nothing that lives', () => {
    const baseDir = ownBaseDir();
    const script = `
      import { createFrameExporter } from '@vas/frame-export';
      const exporter = createFrameExporter({ baseDir: process.argv[1], env: { AI_FRAME_EXPORT_ENABLED: 'true' } });
      for (const cameraId of ['a', 'b']) exporter.openCamera({ cameraId, width: 64, height: 48 });
      process.kill(process.pid, 'SIGKILL');`;
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    const dead = spawnSync(process.execPath, ['--input-type=module', '-e', script, baseDir], { cwd });
    expect(dead.signal).toBe('SIGKILL');
    const exporter = exporterOn(baseDir);
    const camera = exporter.openCamera({ cameraId: 'c', width: 64, height: 48 });
    mkdirSync(`${baseDir}/mine`);
    writeFileSync(`${baseDir}/mine/file`, '');
    expect(createFrameExporter({ baseDir, env: {} }).sweep()).toBe(0);
    exporter.sweep();
    expect(entriesOf(baseDir)).toEqual(['.c.lock', 'c', 'mine']);
    expect(sourceOf(camera).health().state).toBe('idle');
  });
});
