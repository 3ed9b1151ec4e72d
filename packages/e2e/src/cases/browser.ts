/** Cases seen through real browsers: two viewers of the camera in Chromium, beside the counted ones. */
import type { Case } from '../run/case.js';
import { controlNoScratch, drainFails, exportClosed, shmFull } from './export-fails.js';
import { controlDataHandler, hostBlocked } from './host-busy.js';
import { noTap } from './no-tap.js';
import { noReader, readersKilled, readersRacing, readersStopped } from './readers.js';
import { ffmpegKilled } from './restarts.js';

const browsersPerCamera = 2;

/** The same case with browsers, under a name of its own. */
function seen(testCase: Case, rest: Pick<Case, 'isShort'> & Partial<Case>): Case {
  const { requirements, stage, title } = testCase;
  return {
    ...testCase,
    ...rest,
    name: `browser-${testCase.name}`,
    title: `${title}; seen in Chromium`,
    requirements: requirements.length === 0 ? [] : ['S6', ...requirements],
    stage: { ...stage, browsersPerCamera },
  };
}

export const browserNoTap = seen(noTap, { isShort: true });

const browserControlDataHandler = seen(controlDataHandler, { isShort: true });
const browserControlNoScratch = seen(controlNoScratch, { isShort: false });

/** In the order in which they run. */
export const browserCases: readonly Case[] = [
  seen(noReader, { isShort: false }),
  seen(readersRacing, { isShort: false }),
  seen(readersStopped, { isShort: false }),
  seen(readersKilled, { isShort: false }),
  seen(hostBlocked, { isShort: true, comparedWith: browserControlDataHandler }),
  browserControlDataHandler,
  seen(exportClosed, { isShort: false, comparedWith: browserControlNoScratch }),
  browserControlNoScratch,
  seen(shmFull, { isShort: false }),
  seen(drainFails, { isShort: false }),
  // Not yet as it should be: packets come back after 3 s, pictures not before the case ends.
  seen(ffmpegKilled, { isShort: false }),
];
