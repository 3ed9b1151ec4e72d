/** Exporters, cameras and sources that are closed when their test ends, and the pictures that go through them. */
import { onTestFinished } from 'vitest';
import { createFrameExporter } from '@vas/frame-export';
import type { CameraExport, FrameExporter, OpenCameraOptions } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';
import type { FrameSource } from '@vas/frame-export/reader';

export const ON = { AI_FRAME_EXPORT_ENABLED: 'true' };

export function exporterOn(
  baseDir: string,
  options: { checksum?: boolean; fileMode?: number; wakeReaders?: boolean } = {},
): FrameExporter {
  const exporter = createFrameExporter({ baseDir, env: ON, ...options });
  onTestFinished(() => {
    exporter.close();
  });
  return exporter;
}

export function open(baseDir: string, options: Partial<OpenCameraOptions> = {}): CameraExport {
  return exporterOn(baseDir).openCamera({ cameraId: 'cam', width: 64, height: 48, ...options });
}

export function sourceOf(camera: CameraExport): FrameSource {
  const source = openFrameSource(camera.source);
  onTestFinished(() => {
    source.close();
  });
  return source;
}

export function picture(frameId: number, sizeBytes = 64 * 48 * 1.5): Uint8Array {
  return new Uint8Array(sizeBytes).fill(frameId & 0xff);
}

export function codeOf(call: () => unknown): string {
  try {
    call();
    return 'no error';
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}
