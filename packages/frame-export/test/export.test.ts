import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { entriesOf, ownBaseDir } from './base-dir.js';
import { codeOf, exporterOn, open, picture, sourceOf } from './cameras.js';
import { openFrameSource } from '@vas/frame-export/reader';

describe('publishing from memory', () => {
  it('P2.1: makes a frame visible in two files, with its metadata', () => {
    const baseDir = ownBaseDir();
    const camera = open(baseDir);
    const source = sourceOf(camera);
    const before = process.hrtime.bigint();
    expect(camera.publish(picture(1), 123n)).toBe('published');
    const into = new Uint8Array(source.frameSizeBytes);
    const result = source.copyNewest(into);
    expect(result).toMatchObject({
      status: 'frame',
      missed: 0,
      frame: {
        frameId: 1,
        width: 64,
        height: 48,
        strideBytes: 64,
        pixelFormat: 'nv12',
        sourceTimestampNs: 123n,
      },
    });
    expect(into).toEqual(picture(1));
    if (result.status === 'frame') {
      expect(result.frame.timestampNs).toBeGreaterThanOrEqual(before);
      expect(result.frame.timestampNs).toBeLessThanOrEqual(process.hrtime.bigint());
    }
    expect(entriesOf(`${baseDir}/cam`)).toEqual(['frame.data', 'frame.meta']);
    expect(source.copyNewest(into).status).toBe('nothing-newer');
  });

  it('refuses a frame of another size and counts it', () => {
    const camera = open(ownBaseDir());
    expect(camera.publish(new Uint8Array(10))).toBe('wrong-size');
    expect(camera.statistics()).toMatchObject({ framesWritten: 0, framesRejected: 1 });
  });

  it('never throws, not even for what is no picture', () => {
    const camera = open(ownBaseDir());
    const publish = camera.publish.bind(camera) as (picture: unknown, stamp?: unknown) => unknown;
    for (const hostile of [undefined, null, 'frame', 7, {}, [], new ArrayBuffer(8)]) {
      expect(publish(hostile)).toBe('wrong-size');
    }
    expect(publish(picture(1), 'no bigint')).toBe('wrong-size');
    for (const noStamp of [-1n, 2n ** 64n]) {
      expect(publish(picture(1), noStamp)).toBe('published');
      expect(sourceOf(camera).lookNewest((_, frame) => frame.sourceTimestampNs)).toMatchObject({
        value: null,
      });
    }
  });

  it('stores a checksum with each frame in verify mode, and none otherwise', () => {
    const baseDir = ownBaseDir();
    const verified = exporterOn(baseDir, { checksum: true }).openCamera({
      cameraId: 'v',
      width: 64,
      height: 48,
    });
    verified.publish(new Uint8Array(64 * 48 * 1.5));
    const look = sourceOf(verified).lookNewest((_, frame) => frame.checksum);
    expect(look).toMatchObject({ status: 'frame', value: crc32(new Uint8Array(64 * 48 * 1.5)) });
    const plain = open(baseDir);
    plain.publish(picture(1));
    expect(sourceOf(plain).lookNewest((_, frame) => frame.checksum)).toMatchObject({ value: null });
  });
});

describe('walking', () => {
  it('P1.5: tells exactly how many frames were missed', () => {
    const camera = open(ownBaseDir(), { slotCount: 4 });
    const source = sourceOf(camera);
    const into = new Uint8Array(source.frameSizeBytes);
    for (let frameId = 1; frameId <= 10; frameId += 1) camera.publish(picture(frameId));
    const first = source.copyNext(into);
    expect(first).toMatchObject({ status: 'frame' });
    if (first.status !== 'frame') return;
    expect(first.missed).toBe(first.frame.frameId - 1);
    for (let frameId = first.frame.frameId + 1; frameId <= 10; frameId += 1) {
      expect(source.copyNext(into)).toMatchObject({ status: 'frame', missed: 0, frame: { frameId } });
    }
    expect(source.copyNext(into).status).toBe('nothing-newer');
    expect(source.copyAt(into, 1)).toMatchObject({ status: 'overwritten' });
    expect(source.copyAt(into, 10)).toMatchObject({ status: 'frame' });
    expect(source.lookAt((bytes) => bytes[0], 10)).toMatchObject({ status: 'frame', value: 10 });
  });
});

describe('observers in the host', () => {
  it('P1.3, P2.2: a stray store reaches nobody else and crashes nothing', () => {
    const camera = open(ownBaseDir());
    camera.publish(picture(1));
    const careless = sourceOf(camera);
    const careful = sourceOf(camera);
    careless.lookNewest((bytes) => {
      const everything = new Uint8Array(bytes.buffer);
      everything.fill(0xff);
    });
    expect(careful.lookNewest((bytes) => bytes[100])).toMatchObject({ status: 'frame', value: 1 });
    expect(camera.publish(picture(2))).toBe('published');
    expect(careful.lookNewest((bytes) => bytes[100])).toMatchObject({ status: 'frame', value: 2 });
  });

  it('sees empty views after the source was closed', () => {
    const camera = open(ownBaseDir());
    camera.publish(picture(1));
    const source = sourceOf(camera);
    let kept: Uint8Array | undefined;
    source.lookNewest((bytes) => (kept = bytes));
    source.close();
    expect(kept?.length).toBe(0);
    expect(source.lookNewest(() => 0).status).toBe('absent');
    expect(codeOf(() => source.reopen())).toBe('CLOSED');
  });
});

describe('the life of an export', () => {
  it('P2.6: appears whole, disappears on close, and leaves only the base folder', () => {
    const baseDir = ownBaseDir();
    const camera = open(baseDir);
    const source = sourceOf(camera);
    camera.publish(picture(1));
    const into = new Uint8Array(source.frameSizeBytes);
    camera.close();
    camera.close();
    expect(camera.isClosed).toBe(true);
    expect(entriesOf(baseDir)).toEqual([]);
    expect(source.copyNext(into)).toMatchObject({ status: 'frame', frame: { frameId: 1 } });
    expect(source.copyNext(into).status).toBe('ended');
    expect(source.health().state).toBe('ended');
    expect(source.reopen().status).toBe('absent');
    expect(source.copyNext(into).status).toBe('absent');
    expect(camera.publish(picture(2))).toBe('closed');
    expect(camera.attach((fd) => fd)).toBeNull();
    expect(
      codeOf(() => {
        camera.changeGeometry({ width: 32, height: 32 });
      }),
    ).toBe('CLOSED');
  });

  it('P2.7: a restart is another epoch, and one call finds it', () => {
    const baseDir = ownBaseDir();
    const first = open(baseDir);
    const source = sourceOf(first);
    first.publish(picture(1));
    expect(source.lookNext(() => 0).status).toBe('frame');
    first.close();
    const second = open(baseDir, { width: 128 });
    second.publish(picture(7, 128 * 48 * 1.5));
    expect(source.lookNext(() => 0).status).toBe('ended');
    expect(source.reopen()).toMatchObject({ status: 'reopened', isNewEpoch: true, geometry: { width: 128 } });
    expect(source.lookNext((bytes) => bytes[0])).toMatchObject({
      value: 7,
      missed: 0,
      frame: { frameId: 1 },
    });
    expect(source.reopen()).toEqual({ status: 'unchanged' });
  });

  it('P2.7: a change of geometry goes on with the ids of the frames', () => {
    const camera = open(ownBaseDir());
    const source = sourceOf(camera);
    camera.publish(picture(1));
    camera.publish(picture(2));
    expect(source.lookNext(() => 0).status).toBe('frame');
    camera.changeGeometry({ width: 64, height: 48 });
    expect(camera.statistics().generation).toBe(1);
    camera.changeGeometry({ width: 32, height: 16 });
    expect(camera.statistics().generation).toBe(2);
    expect(camera.publish(picture(3))).toBe('wrong-size');
    expect(camera.publish(picture(3, 32 * 16 * 1.5))).toBe('published');
    expect(source.lookNext((_, frame) => frame.frameId)).toMatchObject({ value: 2 });
    expect(source.lookNext(() => 0).status).toBe('replaced');
    expect(source.reopen()).toMatchObject({ status: 'reopened', isNewEpoch: false, geometry: { width: 32 } });
    expect(source.lookNext((_, frame) => frame.frameId)).toMatchObject({ value: 3, missed: 0 });
  });

  it('P2.2: a second writer for the same camera is refused, another camera is not', () => {
    const baseDir = ownBaseDir();
    open(baseDir);
    expect(codeOf(() => open(baseDir))).toBe('ALREADY_EXPORTED');
    expect(codeOf(() => open(baseDir, { cameraId: 'cam2' }))).toBe('no error');
  });

  it('P2.9: file modes are those asked for, whatever the umask', () => {
    for (const umask of [0o000, 0o077]) {
      const baseDir = ownBaseDir();
      const before = process.umask(umask);
      onTestFinished(() => void process.umask(before));
      exporterOn(baseDir, { fileMode: 0o640 }).openCamera({ cameraId: 'cam', width: 64, height: 48 });
      process.umask(before);
      expect(statSync(`${baseDir}/cam`).mode & 0o777).toBe(0o750);
      expect(statSync(`${baseDir}/cam/frame.data`).mode & 0o777).toBe(0o640);
      expect(statSync(`${baseDir}/cam/frame.meta`).mode & 0o777).toBe(0o640);
    }
  });

  it('works in several worker threads at once, and survives their end', async () => {
    const baseDir = ownBaseDir();
    const script = fileURLToPath(new URL('processes/worker.mjs', import.meta.url));
    const workers = ['a', 'b', 'c'].map(
      (cameraId) => new Worker(script, { workerData: { baseDir, cameraId } }),
    );
    const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
    expect(answers).toEqual(workers.map(() => [{ isFresh: true }]));
    await Promise.all(workers.map((worker) => worker.terminate()));
    expect(open(baseDir, { cameraId: 'a' }).isEnabled).toBe(true);
  });
});

describe('errors', () => {
  it.each([
    ['', 'empty'],
    ['.', 'dot'],
    ['..', 'two dots'],
    ['.hidden', 'leading dot'],
    ['../cam', 'traversal'],
    ['a/b', 'separator'],
    ['a\\b', 'backslash'],
    ['a\0b', 'NUL'],
    ['a\nb', 'control character'],
    ['a b', 'space'],
    ['caf\u00e9', 'letter outside ASCII'],
    ['\u0441am', 'look-alike letter'],
    ['cam\u2215a', 'look-alike separator'],
    ['a'.repeat(65), 'over-long'],
  ])('P2.9: camera id %j (%s) is BAD_CAMERA_ID for writer and reader', (cameraId) => {
    const baseDir = ownBaseDir();
    expect(codeOf(() => open(baseDir, { cameraId }))).toBe('BAD_CAMERA_ID');
    expect(codeOf(() => openFrameSource({ baseDir, cameraId }))).toBe('BAD_CAMERA_ID');
    expect(entriesOf(baseDir)).toEqual([]);
  });

  it.each([
    [{ width: 63 }],
    [{ height: 47 }],
    [{ width: 0 }],
    [{ width: -2 }],
    [{ width: 1.5 }],
    [{ width: NaN }],
    [{ width: 20000 }],
    [{ strideBytes: 62 }],
  ])('P1.6: geometry %j is BAD_GEOMETRY', (geometry) => {
    expect(codeOf(() => open(ownBaseDir(), geometry))).toBe('BAD_GEOMETRY');
    const camera = open(ownBaseDir());
    expect(
      codeOf(() => {
        camera.changeGeometry({ width: 64, height: 48, ...geometry });
      }),
    ).toBe('BAD_GEOMETRY');
    expect(camera.publish(picture(1))).toBe('published');
  });

  it.each([2, 65, 3.5, NaN])('slotCount %s is BAD_OPTION', (slotCount) => {
    expect(codeOf(() => open(ownBaseDir(), { slotCount }))).toBe('BAD_OPTION');
  });

  it.each([0o664, 0o755, 0o646, 0o1000])('file mode %i is BAD_OPTION', (fileMode) => {
    const exporter = exporterOn(ownBaseDir(), { fileMode });
    expect(codeOf(() => exporter.openCamera({ cameraId: 'cam', width: 64, height: 48 }))).toBe('BAD_OPTION');
  });

  it('P2.8: says what stands in the way of the base folder', () => {
    const baseDir = ownBaseDir();
    expect(codeOf(() => open(`${baseDir}/missing/base`))).toBe('BASE_DIR_MISSING');
    writeFileSync(`${baseDir}/file`, '');
    expect(codeOf(() => open(`${baseDir}/file`))).toBe('BASE_DIR_NOT_A_DIRECTORY');
    symlinkSync('/tmp', `${baseDir}/link`);
    expect(codeOf(() => open(`${baseDir}/link`))).toBe('BASE_DIR_SYMLINK');
    mkdirSync(`${baseDir}/unsafe`);
    chmodSync(`${baseDir}/unsafe`, 0o777);
    expect(codeOf(() => open(`${baseDir}/unsafe`))).toBe('BASE_DIR_UNSAFE');
    chmodSync(`${baseDir}/unsafe`, 0o1777);
    expect(codeOf(() => open(`${baseDir}/unsafe`))).toBe('no error');
  });

  it('P2.9: leaves alone what is not an export', () => {
    const baseDir = ownBaseDir();
    writeFileSync(`${baseDir}/file`, 'mine');
    expect(codeOf(() => open(baseDir, { cameraId: 'file' }))).toBe('CAMERA_PATH_OCCUPIED');
    symlinkSync('/tmp', `${baseDir}/link`);
    expect(codeOf(() => open(baseDir, { cameraId: 'link' }))).toBe('CAMERA_PATH_OCCUPIED');
    mkdirSync(`${baseDir}/dir`);
    writeFileSync(`${baseDir}/dir/mine`, '');
    expect(codeOf(() => open(baseDir, { cameraId: 'dir' }))).toBe('CAMERA_PATH_OCCUPIED');
    expect(entriesOf(`${baseDir}/dir`)).toEqual(['mine']);
  });

  it('P2.10: a reader says INCOMPATIBLE_LAYOUT about files that are no ring', () => {
    const baseDir = ownBaseDir();
    mkdirSync(`${baseDir}/cam`);
    writeFileSync(`${baseDir}/cam/frame.meta`, new Uint8Array(4096));
    writeFileSync(`${baseDir}/cam/frame.data`, new Uint8Array(4096));
    const source = openFrameSource({ baseDir, cameraId: 'cam' });
    expect(source.lookNewest(() => 0)).toMatchObject({
      status: 'incompatible',
      error: { code: 'INCOMPATIBLE_LAYOUT' },
    });
    rmSync(`${baseDir}/cam`, { recursive: true });
    expect(source.reopen().status).toBe('absent');
  });
});
