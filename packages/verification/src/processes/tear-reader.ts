/** Reads a camera in every way there is, as fast as it can, and judges every frame that it gets. */
import type { FrameMetadata } from '@vas/frame-export';
import { openFrameSource } from '@vas/frame-export/reader';
import type { FrameSource } from '@vas/frame-export/reader';
import { answerRequests } from '@vas/processes';
import type { TearCounts } from '../tear/counts.js';
import { isUniform, isWhole } from '../tear/self-identifying.js';

export interface HuntRequest {
  readonly path: string;
  readonly seconds: number;
  readonly slotCount: number;
  /** Copy frames and judge the copy, or judge them in place. */
  readonly manner: 'copy' | 'look';
  /** `false`: believe what was seen, as a reader without step R5 would. */
  readonly isValidated: boolean;
}

function hunt(request: HuntRequest): TearCounts {
  const source = openFrameSource({ path: request.path });
  try {
    if (!request.isValidated) return believe(source, request);
    return request.manner === 'copy' ? copy(source, request) : look(source, request);
  } finally {
    source.close();
  }
}

/** The oldest frame that can still be there: the next to be overwritten. */
function oldest(source: FrameSource, slotCount: number): number {
  return Math.max(1, source.lastFrameId - slotCount + 1);
}

function copy(source: FrameSource, { seconds, slotCount }: HuntRequest): TearCounts {
  const counts = { accepted: 0, lapped: 0, tornAccepted: 0, tornRefused: 0 };
  const into = new Uint8Array(source.frameSizeBytes);
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    for (const read of [
      () => source.copyNewest(into),
      () => source.copyAt(into, oldest(source, slotCount)),
      () => source.copyNext(into),
    ]) {
      const result = read();
      if (result.status === 'frame') {
        counts[isWhole(into, result.frame) ? 'accepted' : 'tornAccepted'] += 1;
      } else if (result.status === 'overwritten') {
        counts.lapped += 1;
        if (isUniform(into)) continue;
        // Count this mixture once: a read that does not get as far as copying leaves it as it is.
        counts.tornRefused += 1;
        into.fill(0);
      }
    }
  }
  return counts;
}

function look(source: FrameSource, { seconds, slotCount }: HuntRequest): TearCounts {
  let looks = 0;
  let torn = 0;
  const judge = (picture: Uint8Array, frame: FrameMetadata): boolean => {
    looks += 1;
    const whole = isWhole(picture, frame);
    if (!whole) torn += 1;
    return whole;
  };
  const counts = { accepted: 0, lapped: 0, tornAccepted: 0 };
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    for (const read of [
      () => source.lookNewest(judge),
      () => source.lookAt(judge, oldest(source, slotCount)),
      () => source.lookNext(judge),
    ]) {
      const looksBefore = looks;
      const result = read();
      // Each look but the one that was good was lapped; one that found nothing to look at was, too.
      if (result.status === 'frame') {
        counts[result.value ? 'accepted' : 'tornAccepted'] += 1;
        counts.lapped += looks - looksBefore - 1;
      } else if (result.status === 'overwritten') {
        counts.lapped += Math.max(1, looks - looksBefore);
      }
    }
  }
  return { ...counts, tornRefused: torn - counts.tornAccepted };
}

/** Takes what it sees for good: what these counts find torn is what the validation is there for. */
function believe(source: FrameSource, { seconds, slotCount, manner }: HuntRequest): TearCounts {
  const counts = { accepted: 0, lapped: 0, tornAccepted: 0, tornRefused: 0 };
  const into = new Uint8Array(source.frameSizeBytes);
  const take = (picture: Uint8Array, frame: FrameMetadata): void => {
    if (manner === 'copy') into.set(picture);
    counts[isWhole(manner === 'copy' ? into : picture, frame) ? 'accepted' : 'tornAccepted'] += 1;
  };
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    source.lookNewest(take);
    source.lookAt(take, oldest(source, slotCount));
  }
  return counts;
}

const actions = { hunt };

export type TearReaderActions = typeof actions;

answerRequests(actions);
