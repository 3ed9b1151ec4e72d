/** All cases, in the order in which they run. */
import type { Case } from '../run/case.js';
import { noTap } from './baseline.js';
import { eightCameras } from './eight-cameras.js';
import {
  closedExport,
  failingDrain,
  fullSharedMemory,
  noScratchControl,
  readOnlyBase,
  replacedFiles,
  secondHost,
} from './export-fails.js';
import { flagOffIdentical } from './flag-off-identical.js';
import { flagOff } from './flag-off.js';
import { blockedHost, busyCores, dataHandlerControl, garbageStorm } from './host-busy.js';
import { holdingReader, killedReaders, noReader, racingReaders, stoppedReaders } from './readers.js';
import { droppedCamera, killedFfmpeg, killedHost, resizedCamera } from './restarts.js';

export const baseline: Case = noTap;

export const cases: readonly Case[] = [
  flagOff,
  flagOffIdentical,
  noReader,
  racingReaders,
  stoppedReaders,
  killedReaders,
  holdingReader,
  blockedHost,
  dataHandlerControl,
  garbageStorm,
  busyCores,
  closedExport,
  noScratchControl,
  fullSharedMemory,
  readOnlyBase,
  replacedFiles,
  failingDrain,
  secondHost,
  killedFfmpeg,
  droppedCamera,
  resizedCamera,
  killedHost,
  eightCameras,
];
