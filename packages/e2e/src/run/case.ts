/** What a case of the suite is, and what comes of one. */
import type { CameraStatus } from '../host/requests.js';
import type { MachineReport } from '../machine/stall-canary.js';
import type { ReaderReport } from '../reader/requests.js';
import type { RecordingCheck } from '../viewer/hls-recording.js';
import type { Presented } from '../viewer/presented.js';
import type { StreamCount } from '../viewer/rtp-counter.js';
import type { Check, Checks } from './check.js';
import type { Mark, Stage, StageOptions } from './stage.js';

export interface Case {
  /** As `--case` takes it. */
  readonly name: string;
  /** One sentence: the fault, and what should come of it. */
  readonly title: string;
  /** Ids of the requirements that it proves. */
  readonly requirements: readonly string[];
  /** What differs from one camera, exported, with the flag on. */
  readonly stage?: Partial<StageOptions>;
  /** Length of the measurement; the case may make it longer. */
  readonly seconds?: number;
  /** `false`: no reader follows and verifies the first camera's frames. */
  readonly isFollowed?: boolean;
  /** `true`: the host stands still for a while, and loses frames of its tap as it should. */
  readonly losesFrames?: boolean;
  /** `true`: viewers in a browser consume anew after an interruption, so that new time stamps do not disturb them. */
  readonly isConsumedAnew?: boolean;
  /** `true`: too much work for two processors, with or without a tap. Its pace is shown and not judged. */
  readonly isOverload?: boolean;
  /** Whether it belongs to the short set. */
  readonly isShort: boolean;
  /**
   * A control has to fail: its longest gap is at least this, which proves that the suite can see one.
   */
  readonly controlGapMs?: number;
  /**
   * A case without a tap that does the same to the machine: its pace is the measure of this one's.
   * @default the host without a tap on a machine that does nothing else
   */
  readonly measuredBy?: Case;
  /** The case whose curve is drawn below this one's; the host without a tap if left out. */
  readonly comparedWith?: Case;
  /** The fault. Begins `quietMs` into the measurement; may add statements of its own. */
  readonly run?: (stage: Stage, checks: Checks) => Promise<void>;
}

/** How long each measurement goes on before the fault. */
export const QUIET_MS = 3_000;

export interface ViewerResult extends StreamCount {
  readonly cameraId: string;
  /** Longest gap that the case itself did not cause by interrupting the camera. */
  readonly longestOwnGapMs: number;
}

export interface BrowserResult extends Presented {
  /** Longest pause that the case itself did not cause by interrupting the camera. */
  readonly longestOwnGapMs: number;
}

/** `not judged`: only the pace was wrong, while the machine itself stood still, which proves nothing. */
export type Verdict = 'ok' | 'failed' | 'not judged';

export interface CaseResult {
  readonly name: string;
  readonly title: string;
  readonly requirements: readonly string[];
  readonly isControl: boolean;
  readonly verdict: Verdict;
  /** How often the case was run until it could be judged. */
  readonly attempts: number;
  readonly machine: MachineReport;
  /** Length of the measurement. */
  readonly seconds: number;
  /** How long all of it took, with what comes before and after the measurement, at the last attempt. */
  readonly tookSeconds: number;
  /** Name of the case that it is drawn beside; `null`: the host without a tap. */
  readonly comparedWith: string | null;
  readonly marks: readonly Mark[];
  readonly viewers: readonly ViewerResult[];
  readonly browsers: readonly BrowserResult[];
  /** A picture of each browser at the end, as PNG. */
  readonly screenshots: readonly Buffer[];
  /** Frames per second that the tap took from FFmpeg, `null` without one. */
  readonly tappedPerSecond: number | null;
  readonly recordings: readonly (RecordingCheck & { readonly cameraId: string })[];
  readonly reader: ReaderReport | null;
  readonly events: readonly { readonly cameraId: string; readonly events: CameraStatus['events'] }[];
  readonly checks: readonly Check[];
}
