export { createFrameExporter } from './exporter.js';
export type { FrameExporter, FrameExporterOptions } from './exporter.js';
export type {
  CameraExport,
  CameraExportStatistics,
  CameraGeometry,
  DiscardReason,
  DrainState,
  OpenCameraOptions,
  PublishOutcome,
} from './camera-export.js';
export type { CameraHealth, CameraHealthState } from './camera-health.js';
export type { CameraReport, FrameExporterStatistics, FrameExporterTotals } from './exporter-statistics.js';
export { DEFAULT_BASE_DIR } from './camera-path.js';
export { FrameExportError } from './errors.js';
export type { FrameExportErrorCode, FrameExportFailure } from './errors.js';
export { rawVideoOutput } from './raw-video-output.js';
export type { RawVideoOutputOptions } from './raw-video-output.js';
export type * from './types.js';
