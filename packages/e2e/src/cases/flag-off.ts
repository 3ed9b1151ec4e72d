/** The flag off: nothing of the frame path is there. */
import { readdirSync } from 'node:fs';
import type { Case } from '../run/case.js';

export const flagOff: Case = {
  name: 'flag-off',
  title: 'The flag is off: no native file, no shared memory, no raw output',
  requirements: ['S1', 'G4', 'G7'],
  stage: { isFlagOn: false },
  isShort: true,
  run: async (stage, checks) => {
    const { mappedFiles, openFiles, cameras } = await stage.status();
    checks.add(
      'the host has no native file and no shared memory mapped',
      mappedFiles.length === 0,
      mappedFiles.join(),
    );
    checks.add('the host has no file of the frame path open', openFiles.length === 0, openFiles.join());
    const files = readdirSync(stage.baseDir);
    checks.add('nothing appears in the base folder', files.length === 0, files.join());
    const isExported = cameras.some(({ events }) =>
      events.some((event) => event.type === 'ffmpeg-started' && event.isExported),
    );
    checks.add('FFmpeg has no raw output', !isExported);
  },
};
