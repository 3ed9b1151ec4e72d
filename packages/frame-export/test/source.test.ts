import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { FrameExportError, openFrameSource } from '@vas/frame-export/reader';
import { ownBaseDir } from './base-dir.js';
import { open, picture, sourceOf } from './cameras.js';

/** Where the state of a ring is in its meta, and how one that has ended looks. */
const STATE_OFFSET = 256;
const ENDED = 2;

function writeState(path: string, state: number): void {
  const meta = openSync(`${path}/frame.meta`, 'r+');
  writeSync(meta, Uint8Array.of(state), 0, 1, STATE_OFFSET);
  closeSync(meta);
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
      expect(source.reopen()).toEqual({ status: 'unchanged' });
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
      import { createRequire } from 'node:module';
      import { readFileSync } from 'node:fs';
      import { pathToFileURL, fileURLToPath } from 'node:url';
      import vm from 'node:vm';
      const context = vm.createContext({ process, console });
      const load = (url) => new vm.SourceTextModule(readFileSync(fileURLToPath(url), 'utf8'), {
        context, identifier: url, initializeImportMeta: (meta) => { meta.url = url; } });
      const link = async (specifier, { identifier }) => {
        if (specifier.startsWith('.')) return load(new URL(specifier, identifier).href);
        if (specifier.startsWith('@vas/')) return load(pathToFileURL(createRequire(identifier).resolve(specifier)).href);
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
