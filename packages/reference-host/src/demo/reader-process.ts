/**
 * A process of its own that follows one camera through shared memory, as an AI container would: it knows the
 * base folder and the camera id, and nothing of FFmpeg or of the host.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFrameSource } from '@vas/frame-export/reader';
import type { FrameMetadata } from '@vas/frame-export/types';
import { report } from '@vas/processes';
import { encode } from 'fast-png';
import { nv12ToRgb } from '../picture.js';
import { AgeStatistics } from './age.js';
import { REPORT_MS } from './messages.js';
import type { HashedFrame, ReaderMessage, ReaderStatus, ReaderTask } from './messages.js';
import { RateMeter } from './rate.js';
import { untilFinished } from './worker-process.js';

/** Short against the 40 ms between two frames, long against a turn of the loop. */
const POLL_MS = 4;
/** A camera that is not there yet, or not any more. */
const REOPEN_MS = 50;

const task = JSON.parse(process.argv[2] ?? '') as ReaderTask;
const source = openFrameSource({ baseDir: task.baseDir, cameraId: task.cameraId });

/** Where the next frame is copied to. A copy that fails leaves garbage there, so it is never the last frame's. */
let buffer = new Uint8Array(source.frameSizeBytes);
let spare = new Uint8Array(source.frameSizeBytes);
let last: { frame: FrameMetadata; picture: Uint8Array } | null = null;
let rate = new RateMeter();
const ages = new AgeStatistics();
let framesRead = 0;
let framesMissed = 0;
let framesMissedAtStart = 0;
let firstFrameNs: bigint | null = null;
let hashes: HashedFrame[] = [];

function take(frame: FrameMetadata, missed: number): void {
  const ageMs = Number(process.hrtime.bigint() - frame.timestampNs) / 1e6;
  const picture = buffer.subarray(0, frame.dataSizeBytes);
  framesRead += 1;
  framesMissed += missed;
  firstFrameNs ??= frame.timestampNs;
  if (frame.timestampNs - firstFrameNs < 1_000_000_000n) framesMissedAtStart += missed;
  ages.add(ageMs);
  rate.add(frame.frameId, Number(frame.timestampNs / 1000n) / 1000);
  hashes.push({
    frameId: frame.frameId,
    hash: createHash('md5').update(picture).digest('hex'),
    timeMs: frame.sourceTimestampNs === null ? null : Number(frame.sourceTimestampNs) / 1e6,
  });
  last = { frame, picture };
  [buffer, spare] = [spare, buffer];
}

function status(): ReaderStatus {
  return {
    framesRead,
    framesMissed,
    framesMissedAtStart,
    recentFramesPerSecond: rate.recent,
    framesPerSecond: rate.steady,
    ageMs: ages.last,
    medianAgeMs: ages.median,
    maxAgeMs: ages.max,
  };
}

/** How it stands, and the frames since the last message. */
function message(): ReaderMessage {
  const news = { status: status(), hashes };
  hashes = [];
  return news;
}

function writePng(): string | null {
  if (last === null) return null;
  const { width, height, strideBytes } = last.frame;
  const data = nv12ToRgb({ width, height, strideBytes, bytes: last.picture });
  writeFileSync(task.pngFile, encode({ width, height, data, channels: 3 }));
  return task.pngFile;
}

async function follow(finishing: AbortSignal): Promise<ReaderMessage> {
  const reports = setInterval(() => void report(message()), REPORT_MS);
  while (!finishing.aborted) {
    const outcome = source.copyNext(buffer);
    switch (outcome.status) {
      case 'frame':
        take(outcome.frame, outcome.missed);
        // Lets reports and the order to stop come through, also when frames come faster than they are read.
        await sleep(0);
        break;
      case 'overwritten':
        break;
      case 'nothing-newer':
        await sleep(POLL_MS);
        break;
      case 'ended':
      case 'replaced':
      case 'damaged':
      case 'writer-gone':
      case 'absent':
      case 'incompatible': {
        const reopened = source.reopen();
        if (reopened.status === 'reopened') {
          // The former buffers, and in one of them the last frame, are left alone.
          buffer = new Uint8Array(source.frameSizeBytes);
          spare = new Uint8Array(source.frameSizeBytes);
          if (reopened.isNewEpoch) rate = new RateMeter();
        } else await sleep(REOPEN_MS);
      }
    }
  }
  clearInterval(reports);
  source.close();
  return { ...message(), pngFile: writePng() };
}

await untilFinished(follow);
