/** Snapshots: everything at one moment, as plain data that an application can keep, and the way back from it. */
import { locating, quoted, readingAs, RuthError } from './error.js';
import { readFrameSource } from './frame-source.js';
import { checkCameraId } from './ids.js';
import { isLifecycle } from './lifecycle.js';
import { readAllFields, readElements, readField } from './plain-data.js';
import { isRevision, MAX_REVISION } from './revision.js';
import type { StreamAgent } from './stream-agent.js';
import { readSubscription, type Subscription } from './subscription.js';

/** The format of the snapshots that this package writes, and the only one that it reads. */
export const SNAPSHOT_FORMAT = 1;

const AGENT_FIELDS = ['streamAgentId', 'cameraId', 'lifecycle', 'frameSource', 'subscriptions'] as const;

/** Everything at one moment. Frozen, plain data. */
export interface Snapshot {
  readonly formatVersion: typeof SNAPSHOT_FORMAT;
  /** The revision of the state: changes up to this one are in the snapshot. */
  readonly revision: number;
  /** In the order of their camera ids. */
  readonly agents: readonly StreamAgent[];
}

/**
 * A snapshot that an application kept, which shares nothing with the caller's object. The agents stand in the
 * caller's order, each once.
 *
 * @throws RuthError `UNKNOWN_SNAPSHOT_FORMAT`, `BAD_SNAPSHOT`, or what is wrong with a value in it
 */
export function readSnapshot(value: unknown): { revision: number; agents: StreamAgent[] } {
  // The version first: this reader knows nothing of what another format is made of.
  const version = readingAs('BAD_SNAPSHOT', () => readField(value, 'the snapshot', 'formatVersion'));
  if (version !== SNAPSHOT_FORMAT) {
    throw new RuthError(
      'UNKNOWN_SNAPSHOT_FORMAT',
      `the snapshot has format version ${quoted(version)}; this package reads ${SNAPSHOT_FORMAT}`,
    );
  }
  const { revision, agents } = readingAs('BAD_SNAPSHOT', () => {
    const fields = readAllFields(value, 'the snapshot', ['formatVersion', 'revision', 'agents']);
    return { revision: fields.revision, agents: readElements(fields.agents, 'the list of agents') };
  });
  if (!isRevision(revision)) {
    throw badSnapshot(`its revision is ${quoted(revision)}, not an integer from 0 to ${MAX_REVISION}`);
  }
  const cameras = new Set<string>();
  return {
    revision,
    agents: agents.map((agent, index) =>
      locating(
        () => `agents[${index}]`,
        () => readAgent(agent, cameras),
      ),
    ),
  };
}

function readAgent(value: unknown, cameras: Set<string>): StreamAgent {
  const fields = readingAs('BAD_SNAPSHOT', () => readAllFields(value, 'the agent', AGENT_FIELDS));
  const { cameraId, streamAgentId, lifecycle } = fields;
  checkCameraId(cameraId);
  return locating(
    () => `camera ${cameraId}`,
    () => {
      if (cameras.has(cameraId)) throw badSnapshot('it has two agents');
      cameras.add(cameraId);
      if (streamAgentId !== cameraId) throw badSnapshot(`its agent has another id, ${quoted(streamAgentId)}`);
      if (!isLifecycle(lifecycle)) throw badSnapshot(`there is no lifecycle ${quoted(lifecycle)}`);
      const frameSource = fields.frameSource === null ? null : readFrameSource(fields.frameSource);
      if (frameSource !== null && frameSource.cameraId !== cameraId) {
        throw badSnapshot(`its frame source is of camera ${frameSource.cameraId}`);
      }
      const subscriptions = readSubscriptions(fields.subscriptions, cameraId);
      return { streamAgentId, cameraId, lifecycle, frameSource, subscriptions };
    },
  );
}

function readSubscriptions(value: unknown, cameraId: string): Subscription[] {
  const elements = readingAs('BAD_SNAPSHOT', () => readElements(value, 'the list of subscriptions'));
  const models = new Set<string>();
  return elements.map((element, index) =>
    locating(
      () => `subscriptions[${index}]`,
      () => {
        const subscription = readSubscription(element, 'BAD_SNAPSHOT');
        const { modelId } = subscription;
        if (subscription.cameraId !== cameraId) {
          throw badSnapshot(`the subscription of model ${modelId} is of camera ${subscription.cameraId}`);
        }
        if (models.has(modelId)) throw badSnapshot(`there are two subscriptions of model ${modelId}`);
        models.add(modelId);
        return subscription;
      },
    ),
  );
}

function badSnapshot(why: string): RuthError {
  return new RuthError('BAD_SNAPSHOT', why);
}
