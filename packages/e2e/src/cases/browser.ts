/** Cases seen through real browsers: two viewers of the camera in Chromium, beside the counted ones. */
import type { Case } from '../run/case.js';
import { controlNoScratch, controlPipeClosed, drainFails, exportClosed, shmFull } from './export-fails.js';
import { filesReplaced } from './export-heals.js';
import {
  controlDataHandler,
  controlDataHandlerHalfSecond,
  controlDataHandlerTwoSeconds,
  hostBlocked,
} from './host-busy.js';
import { hostGoneCases } from './host-gone.js';
import { controlManyCameras, manyCameras, noTapManyCameras } from './many-cameras.js';
import { noTap } from './no-tap.js';
import {
  noReader,
  readersKilled,
  readersRacing,
  readersStopped,
  readersUnweighted,
  spinners,
  spinnersUnweighted,
} from './readers.js';
import { ffmpegKilled, ffmpegKilledConsumedAnew, noTapFfmpegKilled } from './restarts.js';

const BROWSERS_PER_CAMERA = 2;
const ONE_BROWSER = { browsersPerCamera: 1 };

function hostGoneCase(wanted: string): Case {
  const found = hostGoneCases.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`no case ${wanted}`);
  return found;
}

/** The same case with browsers, under a name of its own. */
function seen(testCase: Case, rest: Partial<Case> = {}): Case {
  const { requirements, stage, title } = testCase;
  return {
    ...testCase,
    isShort: false,
    ...rest,
    name: `browser-${testCase.name}`,
    title: `${title}; seen in Chromium`,
    requirements: requirements.length === 0 ? [] : ['S6', ...requirements],
    stage: { ...stage, browsersPerCamera: BROWSERS_PER_CAMERA, ...rest.stage },
  };
}

export const browserNoTap = seen(noTap, { isShort: true });

const browserControlDataHandler = seen(controlDataHandler, { isShort: true });
const browserControlNoScratch = seen(controlNoScratch);
const browserControlPipeClosed = seen(controlPipeClosed);
const browserControlHostDies = seen(hostGoneCase('control-host-dies'));
const browserNoTapFfmpegKilled = seen(noTapFfmpegKilled);
const browserNoTapManyCameras = seen(noTapManyCameras, { stage: ONE_BROWSER });

/** In the order in which they run. */
export const browserCases: readonly Case[] = [
  seen(noReader),
  seen(readersRacing, { measuredBy: seen(spinners) }),
  seen(readersUnweighted, { measuredBy: seen(spinnersUnweighted) }),
  seen(readersStopped),
  seen(readersKilled),
  seen(hostBlocked, { isShort: true, comparedWith: browserControlDataHandler }),
  browserControlDataHandler,
  seen(controlDataHandlerTwoSeconds),
  seen(controlDataHandlerHalfSecond),
  seen(exportClosed, { comparedWith: browserControlNoScratch }),
  browserControlNoScratch,
  browserControlPipeClosed,
  seen(shmFull),
  seen(filesReplaced),
  seen(drainFails, { comparedWith: browserControlPipeClosed }),
  seen(hostGoneCase('host-dies'), { comparedWith: browserControlHostDies }),
  browserControlHostDies,
  seen(ffmpegKilled, { isShort: true, comparedWith: browserNoTapFfmpegKilled }),
  browserNoTapFfmpegKilled,
  seen(ffmpegKilledConsumedAnew, { comparedWith: browserNoTapFfmpegKilled }),
  seen(manyCameras, { stage: ONE_BROWSER, measuredBy: browserNoTapManyCameras }),
  seen(controlManyCameras, { stage: ONE_BROWSER, measuredBy: browserNoTapManyCameras }),
];
