/** All cases, in the order in which they run. */
import type { Case } from '../run/case.js';
import { browserCases, browserNoTap } from './browser.js';
import {
  exportClosed,
  drainFails,
  shmFull,
  controlNoScratch,
  baseReadOnly,
  secondHost,
} from './export-fails.js';
import { filesRemoved, filesReplaced, shmFullWhileHealing } from './export-heals.js';
import { flagOffIdentical } from './flag-off-identical.js';
import { flagOff } from './flag-off.js';
import { hostBlocked, coresBusy, controlDataHandler, garbageStorm } from './host-busy.js';
import { hostGoneCases } from './host-gone.js';
import { hostLimitCases } from './host-limits.js';
import { eightCameras } from './many-cameras.js';
import { noTap } from './no-tap.js';
import { readerHolds, readersKilled, noReader, readersRacing, readersStopped } from './readers.js';
import { cameraDrops, ffmpegKilled, hostKilled, cameraResized } from './restarts.js';

export { browserNoTap, noTap };

export const cases: readonly Case[] = [
  flagOff,
  flagOffIdentical,
  noReader,
  readersRacing,
  readersStopped,
  readersKilled,
  readerHolds,
  hostBlocked,
  controlDataHandler,
  garbageStorm,
  coresBusy,
  exportClosed,
  controlNoScratch,
  shmFull,
  baseReadOnly,
  filesRemoved,
  filesReplaced,
  shmFullWhileHealing,
  drainFails,
  secondHost,
  ffmpegKilled,
  cameraDrops,
  cameraResized,
  hostKilled,
  eightCameras,
  ...hostGoneCases,
  ...hostLimitCases,
  ...browserCases,
];
