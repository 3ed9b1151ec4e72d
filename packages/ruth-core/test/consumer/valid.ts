import {
  lifecycleTable,
  RuthError,
  RuthState,
  type Change,
  type FrameSourceRef,
  type RuthErrorCode,
  type Snapshot,
  type StreamAgent,
  type Subscription,
} from '@vas/ruth-core';

const source: FrameSourceRef = { cameraId: 'door', path: '/dev/shm/vas/door', layoutVersion: 1 };
const state = new RuthState();
const added: 'added' | 'already-there' = state.ensureAgent('door').outcome;
const changes: readonly Change[] = state.addSubscription('door', 'yolo', {
  desiredFps: 5,
  configuration: { zones: [{ name: 'north', points: [[0, 1]] }], strict: true, note: null },
}).changes;
state.bindFrameSource(source);
const snapshot: Snapshot = state.snapshot();
// What came of it says what changed.
const outcome = state.bindFrameSource(source);
if (outcome.outcome === 'added') outcome.changes[0].frameSource.path satisfies string;
const removed = state.removeCamera('yard');
if (removed.outcome === 'removed') removed.changes.length satisfies number;
else removed.changes satisfies readonly [];
const replaced = state.updateSubscription('door', 'yolo', { desiredFps: undefined });
if (replaced.outcome === 'replaced') replaced.changes[0].previous.desiredFps satisfies number | null;
state.addSubscription('yard', 'yolo', { desiredFps: undefined, configuration: undefined });
export const handBack = (subscription: Subscription): unknown =>
  state.addSubscription(subscription.cameraId, subscription.modelId, subscription);
const listed: readonly [readonly StreamAgent[], readonly string[], number] = [
  state.agents(),
  state.modelIds(),
  state.revision,
];

const agents: readonly StreamAgent[] = RuthState.fromSnapshot(snapshot).snapshot().agents;
const subscription: Subscription | undefined = state.subscription('door', 'yolo');

const applied = changes.map((change) => state.apply(change).outcome);
applied satisfies readonly ('applied' | 'already-applied')[];

/** Exhaustive: a kind of change that is added or renamed fails here. */
export function cameraOf(change: Change): string {
  switch (change.kind) {
    case 'agent-added':
    case 'agent-started':
    case 'agent-stopped':
    case 'agent-removed':
      return change.cameraId;
    case 'subscription-added':
    case 'subscription-replaced':
    case 'subscription-removed':
      return change.subscription.cameraId;
    case 'frame-source-bound':
    case 'frame-source-unbound':
      return change.frameSource.cameraId;
  }
}

export function codeOf(error: unknown): RuthErrorCode | undefined {
  return error instanceof RuthError ? error.code : undefined;
}

export const all = [added, changes, agents, listed, subscription, lifecycleTable.startAgent.created];
