import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { mappingsOf, ownBaseDir } from './base-dir.js';
import { ON, codeOf, open, picture, sourceOf } from './cameras.js';
import { Peer } from './processes.js';
import { FrameExportError, frameAgeMs, openFrameSource } from '@vas/frame-export/reader';
import type { FrameSource } from '@vas/frame-export/reader';

/** Where the state of a ring is in its meta, and how one that has ended looks. */
const STATE_OFFSET = 256;
const ENDED = 2;

function writeState(path: string, state: number): void {
  const meta = openSync(`${path}/frame.meta`, 'r+');
  writeSync(meta, Uint8Array.of(state), 0, 1, STATE_OFFSET);
  closeSync(meta);
}

async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  await sleep(10);
}

/** What `transfer()` does from Node 22 on. */
function takeAway(buffer: ArrayBufferLike): void {
  setFlagsFromString('--allow-natives-syntax');
  runInNewContext('%ArrayBufferDetach(buffer)', { buffer });
  setFlagsFromString('--no-allow-natives-syntax');
}

describe('reopen', () => {
  it('P2.6: never hands out again the ring that has ended', () => {
    const camera = open(ownBaseDir());
    const source = sourceOf(camera);
    camera.publish(picture(1));
    expect(source.lookNext(() => 0).status).toBe('frame');
    // As if the host had died after it told its readers and before it removed the files.
    writeState(camera.source.path, ENDED);
    for (let turn = 0; turn < 100; turn += 1) {
      expect(source.lookNext(() => 0).status).toBe('ended');
      expect(source.reopen()).toEqual({ status: 'absent' });
    }
    camera.close();
    expect(source.reopen().status).toBe('absent');
  });

  it('P2.7: knows the epoch again after the camera was absent', () => {
    const baseDir = ownBaseDir();
    const camera = open(baseDir);
    const source = sourceOf(camera);
    camera.publish(picture(1));
    expect(source.lookNext(() => 0).status).toBe('frame');
    camera.close();
    expect(source.reopen().status).toBe('absent');
    open(baseDir).publish(picture(2));
    expect(source.reopen()).toMatchObject({ status: 'reopened', isNewEpoch: true });
    expect(source.lastFrameId).toBe(0);
  });
});

describe('a picture that a look writes into', () => {
  it("P1.4, P2.4: is the writer's again within a second, in this source as in others", async () => {
    const camera = open(ownBaseDir(), { slotCount: 3 });
    const [careless, careful] = [sourceOf(camera), sourceOf(camera)];
    let frameId = 0;
    const next = (source: FrameSource, draw: boolean): boolean => {
      const look = source.lookNewest((bytes, frame) => {
        const isRight = bytes.every((byte) => byte === (frame.frameId & 0xff));
        // A box, in each page of the picture.
        if (draw) for (let at = 0; at < bytes.length; at += 1000) bytes.fill(0xfe, at, at + 10);
        return isRight;
      });
      return look.status === 'frame' && look.value;
    };
    const publish = (): void => void camera.publish(picture(++frameId));
    for (let slot = 0; slot < 3; slot += 1) {
      publish();
      expect(next(careless, true)).toBe(true);
      expect(next(careful, false)).toBe(true);
    }
    const drawn = performance.now();
    let wrong = 0;
    while (performance.now() - drawn < 1000) {
      publish();
      if (!next(careless, false)) wrong += 1;
      expect(next(careful, false)).toBe(true);
      await sleep(2);
    }
    // What the boxes hide is seen by nobody else, and not for long.
    expect(wrong).toBeGreaterThan(0);
    for (let turn = 0; turn < 100; turn += 1) {
      publish();
      expect(next(careless, false)).toBe(true);
      await sleep(2);
    }
  });
});

describe('a source that insists on an owner', () => {
  const user = process.getuid?.() ?? 0;

  it('P2.16: opens what belongs to that user, and nothing else', () => {
    const camera = open(ownBaseDir());
    camera.publish(picture(1));
    const source = openFrameSource({ ...camera.source, owner: user });
    expect(source.lookNewest(() => 0).status).toBe('frame');
    source.close();
    expect(codeOf(() => openFrameSource({ ...camera.source, owner: user + 1 }))).toBe('WRONG_OWNER');
    expect(() => openFrameSource({ ...camera.source, owner: user + 1 })).toThrow(
      `belongs to user ${user}, whose frames are not accepted: this reader insists on user ${user + 1}`,
    );
    expect(codeOf(() => openFrameSource({ ...camera.source, owner: -1 }))).toBe('BAD_OPTION');
  });
});

describe('a ring that is larger than arrays can be', () => {
  it('P2.8: has an error of its own, where there is such a limit, and leaves nothing behind', async () => {
    const baseDir = ownBaseDir();
    const side = 16384;
    const frameBytes = side * side * 1.5;
    // Sparse: it takes no memory.
    const words = new DataView(new ArrayBuffer(4096));
    const u32 = (at: number, value: number): void => {
      words.setUint32(at, value, true);
    };
    const u64 = (at: number, value: number): void => {
      words.setBigUint64(at, BigInt(value), true);
    };
    new TextEncoder().encodeInto('VASFRAME', new Uint8Array(words.buffer, 128));
    for (const [at, value] of [
      [0, 1],
      [4, 88],
      [136, 288],
      [140, 11],
      [168, 512],
      [172, 128],
      [232, side],
      [236, side],
      [244, side],
      [256, 1],
    ] as const) {
      u32(at, value);
    }
    u64(144, frameBytes);
    u64(152, 4096);
    u64(160, frameBytes * 11);
    u64(192, 1);
    u64(200, 1);
    mkdirSync(`${baseDir}/cam`);
    writeFileSync(`${baseDir}/cam/frame.meta`, new Uint8Array(words.buffer));
    writeFileSync(`${baseDir}/cam/frame.data`, '');
    truncateSync(`${baseDir}/cam/frame.data`, frameBytes * 11);
    let isPossible = true;
    try {
      new Uint8Array(frameBytes * 11);
    } catch {
      isPossible = false;
    }
    for (let turn = 0; turn < 5; turn += 1) {
      const code = codeOf(() => {
        openFrameSource({ baseDir, cameraId: 'cam' }).close();
      });
      expect(code).toBe(isPossible ? 'no error' : 'RING_TOO_LARGE');
    }
    while (mappingsOf(baseDir) > 0) await collectGarbage();
  });
});

describe('the last frames of a host that crashed', () => {
  it('P2.6: are as old as they are, and say so', async () => {
    const baseDir = ownBaseDir();
    const host = new Peer('host.mjs', [baseDir], ON);
    await host.ask({ action: 'open', cameraId: 'cam', width: 64, height: 48 });
    await host.ask({ action: 'publishForever', cameraId: 'cam', sizeBytes: 64 * 48 * 1.5 });
    const live = openFrameSource({ baseDir, cameraId: 'cam' });
    const into = new Uint8Array(live.frameSizeBytes);
    let fresh = live.copyNewest(into);
    while (fresh.status !== 'frame') {
      await sleep(5);
      fresh = live.copyNewest(into);
    }
    expect(fresh.ageMs).toBeGreaterThanOrEqual(0);
    await host.kill();
    await sleep(1000);
    const late = openFrameSource({ baseDir, cameraId: 'cam' });
    const last = late.copyNewest(into);
    expect(last.status === 'frame' && last.ageMs).toBeGreaterThan(900);
    const look = late.lookAt((_, frame) => frameAgeMs(frame), late.lastFrameId);
    expect(look.status === 'frame' && look.value).toBeGreaterThan(900);
    expect(late.copyAt(into, late.lastFrameId)).toMatchObject({
      status: 'frame',
      ageMs: expect.any(Number) as unknown,
    });
    live.close();
    late.close();
  });
});

describe('memory that is taken away', () => {
  it('P1.4: gives no empty picture as a frame, and is mapped anew by reopen', () => {
    const camera = open(ownBaseDir());
    const source = sourceOf(camera);
    const into = new Uint8Array(source.frameSizeBytes);
    camera.publish(picture(1));
    let taken: ArrayBufferLike | undefined;
    source.lookNext((bytes) => (taken = bytes.buffer));
    camera.publish(picture(2));
    takeAway(taken ?? into.buffer);
    expect(source.lookNext((bytes) => bytes.length)).toEqual({ status: 'absent' });
    expect(source.copyNewest(into)).toEqual({ status: 'absent' });
    expect(source.health().state).toBe('absent');
    expect(source.reopen()).toMatchObject({ status: 'reopened', isNewEpoch: false });
    expect(source.lookNext((bytes) => bytes[0])).toMatchObject({ status: 'frame', value: 2, missed: 0 });
  });

  it('P1.4: gives no frame if the look itself takes it away', () => {
    const camera = open(ownBaseDir());
    const source = sourceOf(camera);
    camera.publish(picture(1));
    const look = source.lookNext((bytes) => {
      takeAway(bytes.buffer);
      return bytes.length;
    });
    expect(look).toEqual({ status: 'absent' });
    expect(source.reopen().status).toBe('reopened');
    expect(source.lookNext((bytes) => bytes[0])).toMatchObject({ status: 'frame', value: 1 });
  });
});

describe('health', () => {
  it('O2: has no negative ages, however the clocks differ', () => {
    const camera = open(ownBaseDir());
    const source = sourceOf(camera);
    const meta = openSync(`${camera.source.path}/frame.meta`, 'r+');
    camera.publish(picture(1));
    const future = new BigUint64Array([2n ** 62n]);
    writeSync(meta, future, 0, 8, 320);
    // The record of frame 1 is that of slot 1.
    writeSync(meta, future, 0, 8, 512 + 128 + 16);
    closeSync(meta);
    expect(source.health()).toMatchObject({ state: 'live', heartbeatAgeMs: 0, frameAgeMs: 0 });
  });
});

describe('errors', () => {
  it('keep their code in a realm that is not that of the native file', () => {
    const foreign: unknown = runInNewContext(
      "Object.assign(new Error('no room'), { code: 'NO_SPACE', name: 'Error' })",
    );
    expect(FrameExportError.from(foreign)).toMatchObject({ code: 'NO_SPACE', message: 'no room' });
    expect(FrameExportError.from('text')).toMatchObject({ code: 'INTERNAL', message: 'text' });
    const own = new FrameExportError('CLOSED', 'closed');
    expect(FrameExportError.from(own)).toBe(own);
    expect(JSON.parse(JSON.stringify(own))).toEqual({ code: 'CLOSED', message: 'closed' });
  });

  it('P2.6: let a reader in another realm see that a camera is absent', () => {
    const script = `
      import { readFileSync } from 'node:fs';
      import { fileURLToPath } from 'node:url';
      import vm from 'node:vm';
      const context = vm.createContext({ process, console });
      const load = (url) => new vm.SourceTextModule(readFileSync(fileURLToPath(url), 'utf8'), {
        context, identifier: url, initializeImportMeta: (meta) => { meta.url = url; } });
      const link = async (specifier, { identifier }) => {
        if (specifier.startsWith('.')) return load(new URL(specifier, identifier).href);
        if (specifier.startsWith('@vas/')) return load(import.meta.resolve(specifier));
        const namespace = await import(specifier);
        const names = Object.keys(namespace);
        return new vm.SyntheticModule(names, function () { for (const name of names) this.setExport(name, namespace[name]); }, { context });
      };
      const reader = load(import.meta.resolve('@vas/frame-export/reader'));
      await reader.link(link);
      await reader.evaluate();
      const source = reader.namespace.openFrameSource({ cameraId: 'cam', baseDir: process.argv[1] });
      console.log(source.lookNewest(() => 0).status, source.reopen().status);`;
    const result = spawnSync(
      process.execPath,
      ['--experimental-vm-modules', '--no-warnings', '--input-type=module', '-e', script, ownBaseDir()],
      { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8' },
    );
    expect(result.stderr).toBe('');
    expect(result.stdout).toBe('absent absent\n');
  });
});

describe('a source that is closed', () => {
  it('P2.1: is another thing than a camera that is absent', () => {
    const source = openFrameSource({ cameraId: 'cam', baseDir: ownBaseDir() });
    expect(source.isClosed).toBe(false);
    source.close();
    expect(source.isClosed).toBe(true);
  });
});
