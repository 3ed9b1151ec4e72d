import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { ownBaseDir, entriesOf } from './base-dir.js';
import { createFrameExporter } from '@vas/frame-export';

describe('AI_FRAME_EXPORT_ENABLED', () => {
  it.each([
    ['true', true],
    ['TRUE', true],
    ['True', true],
    ['false', false],
    ['FALSE', false],
    [undefined, false],
  ])('G4: is understood as %s', (value, isEnabled) => {
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
    expect(createFrameExporter({ env: { AI_FRAME_EXPORT_ENABLED: value } }).isEnabled).toBe(isEnabled);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it.each(['', '1', 'yes', 'on', ' true', 'tru\u0435'])(
    'G4: %j is off, with one warning that names the variable and the value',
    (value) => {
      const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
      expect(createFrameExporter({ env: { AI_FRAME_EXPORT_ENABLED: value } }).isEnabled).toBe(false);
      expect(warn).toHaveBeenCalledTimes(1);
      expect(warn.mock.calls[0]?.[0]).toContain('AI_FRAME_EXPORT_ENABLED');
      expect(warn.mock.calls[0]?.[0]).toContain(JSON.stringify(value));
      warn.mockRestore();
    },
  );
});

describe('export that is off', () => {
  it('does nothing, whatever it is asked', () => {
    const baseDir = ownBaseDir();
    const exporter = createFrameExporter({ baseDir, env: {} });
    const camera = exporter.openCamera({ cameraId: 'cam', width: 64, height: 48 });
    expect(camera.isEnabled).toBe(false);
    expect(camera.attach((fd) => fd)).toBeNull();
    expect(camera.publish(new Uint8Array(64 * 48 * 1.5))).toBe('disabled');
    camera.changeGeometry({ width: 32, height: 32 });
    expect(camera.statistics()).toMatchObject({ framesWritten: 0, drain: 'detached', attachError: null });
    camera.close();
    exporter.close();
    expect(entriesOf(baseDir)).toEqual([]);
  });

  it('G4, G7: loads no native file, maps no shared memory and allocates no frames', () => {
    const script = `
      import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
      import { createFrameExporter } from '@vas/frame-export';
      const before = process.memoryUsage().arrayBuffers;
      const camera = createFrameExporter().openCamera({ cameraId: 'cam', width: 3840, height: 2160, slotCount: 64 });
      camera.attach(() => null);
      for (let i = 0; i < 1000; i += 1) camera.publish(new Uint8Array(0));
      const links = readdirSync('/proc/self/fd').map((fd) => { try { return readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } });
      const maps = readFileSync('/proc/self/maps', 'utf8');
      console.log(JSON.stringify({
        native: /\\.node\\b|vas-frame-export/.test(maps),
        shm: maps.includes('/dev/shm') || links.some((link) => link.includes('/dev/shm')),
        bytes: process.memoryUsage().arrayBuffers - before,
      }));`;
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, AI_FRAME_EXPORT_ENABLED: 'false' },
      encoding: 'utf8',
    });
    expect(result.stderr).toBe('');
    expect(JSON.parse(result.stdout)).toMatchObject({ native: false, shm: false });
    expect((JSON.parse(result.stdout) as { bytes: number }).bytes).toBeLessThan(1_000_000);
    expect(existsSync('/dev/shm/vas/cam')).toBe(false);
  });
});

describe('other platforms', () => {
  it.each(['darwin', 'win32'])(
    'on %s importing works, off works, and enabling is UNSUPPORTED_PLATFORM',
    (platform) => {
      const script = `
      Object.defineProperty(process, 'platform', { value: '${platform}' });
      const { createFrameExporter } = await import('@vas/frame-export');
      const { openFrameSource } = await import('@vas/frame-export/reader');
      const codes = [];
      const run = (call) => { try { call(); codes.push('ok'); } catch (error) { codes.push(error.code); } };
      const camera = { cameraId: 'cam', width: 64, height: 48 };
      run(() => createFrameExporter({ env: {} }).openCamera(camera).close());
      run(() => createFrameExporter({ env: { AI_FRAME_EXPORT_ENABLED: 'true' } }).openCamera(camera));
      run(() => openFrameSource({ cameraId: 'cam' }));
      console.log(codes.join());`;
      const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        encoding: 'utf8',
      });
      expect(result.stdout.trim()).toBe('ok,UNSUPPORTED_PLATFORM,UNSUPPORTED_PLATFORM');
    },
  );
});
