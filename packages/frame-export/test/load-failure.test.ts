import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';

const home = fileURLToPath(new URL('..', import.meta.url));

function ownTempDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vas-test-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function nativeFile(): Buffer {
  const name = readdirSync(join(home, 'native')).find((file) => file.endsWith('.node')) ?? '';
  return readFileSync(join(home, 'native', name));
}

/** What opening a source says in a process that is to load the given file. */
function failureWith(file: string): string {
  const script = `
    const { openFrameSource } = await import('@vas/frame-export/reader');
    try { openFrameSource({ cameraId: 'cam', baseDir: '/nowhere' }); } catch (error) { console.log(error.code, error.message); }`;
  const env = { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: file };
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: home,
    env,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout.trim();
}

describe('a native file that does not load', () => {
  it('P2.8: is missing: the message names the package of this machine', () => {
    const message = failureWith(join(ownTempDir(), 'missing.node'));
    expect(message).toMatch(/^NATIVE_UNAVAILABLE the native file for linux-\w+-gnu is not installed/);
    expect(message).toContain(`install @vas/frame-export-linux-${process.arch}-gnu`);
    expect(message).toContain('--include=optional');
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['no library', Buffer.from('#!/bin/sh\necho no\n'.repeat(20))],
    ['of another processor', foreign()],
  ])('P2.8: is damaged (%s): the message has the words of the loader', (_, bytes) => {
    const file = join(ownTempDir(), 'damaged.node');
    writeFileSync(file, bytes);
    const message = failureWith(file);
    expect(message).toMatch(
      /^NATIVE_UNAVAILABLE the native file is there and does not load \(.*damaged\.node/,
    );
    expect(message).toMatch(/file too short|invalid ELF header|wrong ELF class|cannot open shared object/);
    expect(message).toMatch(/damaged or made for another processor: install @vas\/frame-export-linux/);
  });

  it('P2.8: needs a newer glibc: the message says which', () => {
    const file = join(ownTempDir(), 'newer.node');
    writeFileSync(
      file,
      nativeFile()
        .toString('latin1')
        .replace(/GLIBC_2\.\d\d/, 'GLIBC_9.99'),
      'latin1',
    );
    const message = failureWith(file);
    expect(message).toMatch(/version .GLIBC_9\.99. not found/);
    expect(message).toContain('it needs glibc 9.99 or later, and this system has an older one');
  });

  it('P2.8: was built for musl: the message says that the C library is another one', () => {
    const folder = ownTempDir();
    const file = join(folder, 'musl.node');
    const library = 'libc.musl-x86_64.so.1';
    writeFileSync(join(folder, 'empty.c'), 'int vas_test;');
    const compile = (...args: string[]): unknown =>
      execFileSync('cc', ['-shared', '-nostdlib', 'empty.c', ...args], { cwd: folder });
    compile(`-Wl,-soname,${library}`, '-o', library);
    compile('-Wl,--no-as-needed', `./${library}`, '-o', file);
    const message = failureWith(file);
    expect(message).toContain(`${library}: cannot open shared object file`);
    expect(message).toContain('built for another C library than that of this system');
  });
});

/** A library whose header names a processor that this machine is not. */
function foreign(): Buffer {
  const bytes = nativeFile();
  bytes.writeUInt16LE(process.arch === 'x64' ? 183 : 62, 18);
  return bytes;
}
