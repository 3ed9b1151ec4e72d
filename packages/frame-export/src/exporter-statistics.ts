/** All cameras of an exporter at once, and the totals that outlive them. */
import type { LiveCameraExport } from './camera-export.js';
import type { CameraHealth } from './camera-health.js';
import type { CameraExportStatistics } from './camera-statistics.js';

/** What only ever grows, summed over all cameras of the exporter, those that were closed too. */
export interface FrameExporterTotals {
  readonly camerasOpened: number;
  readonly framesWritten: number;
  readonly framesIncomplete: number;
  readonly framesRejected: number;
  readonly framesDiscarded: number;
  readonly bytesWritten: number;
  readonly drainPanics: number;
}

export interface CameraReport {
  readonly cameraId: string;
  readonly health: CameraHealth;
  readonly statistics: CameraExportStatistics;
}

/** Plain data: JSON can carry it. */
export interface FrameExporterStatistics {
  readonly isEnabled: boolean;
  /** The cameras that are open now, in the order in which they were opened. */
  readonly cameras: readonly CameraReport[];
  readonly totals: FrameExporterTotals;
}

export const NO_TOTALS: FrameExporterTotals = Object.freeze({
  camerasOpened: 0,
  framesWritten: 0,
  framesIncomplete: 0,
  framesRejected: 0,
  framesDiscarded: 0,
  bytesWritten: 0,
  drainPanics: 0,
});

/** The totals with those of one more camera added; `camerasOpened` counts that camera. */
export function withCamera(
  totals: FrameExporterTotals,
  statistics: CameraExportStatistics,
): FrameExporterTotals {
  return {
    camerasOpened: totals.camerasOpened + 1,
    framesWritten: totals.framesWritten + statistics.framesWritten,
    framesIncomplete: totals.framesIncomplete + statistics.framesIncomplete,
    framesRejected: totals.framesRejected + statistics.framesRejected,
    framesDiscarded: totals.framesDiscarded + statistics.framesDiscarded,
    bytesWritten: totals.bytesWritten + statistics.bytesWritten,
    drainPanics: totals.drainPanics + statistics.drainPanics,
  };
}

export function reportOf(camera: LiveCameraExport): CameraReport {
  return { cameraId: camera.cameraId, ...camera.report() };
}
