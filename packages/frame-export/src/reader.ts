export { frameAgeMs } from './age.js';
export { frames } from './frames.js';
export type { AfterLoss, ArrivedFrame, FramesOf, FramesOptions, SeenFrame, SourceLoss } from './frames.js';
export { FrameSource, openFrameSource } from './frame-source.js';
export type {
  FrameSourceLocation,
  FrameSourceOptions,
  ReopenResult,
  SourceHealth,
  SourceLook,
  SourceRead,
  SourceState,
  SourceVerdict,
} from './frame-source.js';
export { DEFAULT_BASE_DIR } from './camera-path.js';
export { FrameExportError } from './errors.js';
export type { FrameExportErrorCode } from './errors.js';
export type * from './types.js';
