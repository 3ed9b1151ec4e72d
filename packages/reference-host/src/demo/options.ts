/** The command line of the demo. */
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** RTSP URL or file; `null` for cameras of the demo's own. */
  readonly input: string | null;
  readonly cameras: number;
  readonly seconds: number;
  readonly isJson: boolean;
  /** FFmpeg binary; `null` for the one that is found. */
  readonly ffmpeg: string | null;
}

export const USAGE = `usage: npm run demo -- [options]

  --input <rtsp url or file>  what to show; without it, cameras of the demo's own
  --cameras <n>               how many cameras at once, 1 to 64 (default 1)
  --seconds <n>               how long to watch once pictures arrive (default 20); Ctrl-C ends it earlier
  --ffmpeg <path>             FFmpeg to use instead of the one on the PATH
  --json                      one JSON document on standard output and nothing else

AI_FRAME_EXPORT_ENABLED=false shows the same pipeline without the frame path.
`;

/** @throws TypeError with a sentence for the user */
export function parseOptions(args: readonly string[]): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      input: { type: 'string' },
      cameras: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '20' },
      ffmpeg: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const cameras = Number(values.cameras);
  if (!Number.isInteger(cameras) || cameras < 1 || cameras > 64) {
    throw new TypeError(`--cameras takes a whole number from 1 to 64, not ${values.cameras}`);
  }
  const seconds = Number(values.seconds);
  // The largest delay of a timer is 2^31 - 1 ms.
  if (!(seconds > 0 && seconds <= 2_000_000)) {
    throw new TypeError(`--seconds takes a number above 0, at most 2000000, not ${values.seconds}`);
  }
  const { input = null, ffmpeg = null, json: isJson } = values;
  return { input, cameras, seconds, isJson, ffmpeg };
}
