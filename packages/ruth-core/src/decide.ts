/**
 * What an operation would do to a state, as changes. What a caller handed over has been read and copied by now: nothing
 * in this file runs foreign code, and nothing in it changes anything. What can go wrong goes wrong here: malformed ids
 * first, then the lifecycle.
 */
import {
  changed,
  unchanged,
  type AgentAdded,
  type AgentRemoved,
  type AgentStarted,
  type AgentStopped,
  type Changed,
  type FrameSourceBound,
  type FrameSourceUnbound,
  type SubscriptionAdded,
  type SubscriptionRemoved,
  type SubscriptionReplaced,
  type Unchanged,
} from './change.js';
import type { FrameSourceRef } from './frame-source.js';
import { stateAfter, type AgentState, type Operation } from './lifecycle.js';
import { isSameData } from './plain-data.js';
import type { Store } from './store.js';
import type { AgentRecord } from './stream-agent.js';
import { subscriptionOf, type SaidData, type Subscription } from './subscription.js';

type Added<Made extends AgentAdded | SubscriptionAdded> =
  Changed<'added', readonly [Made]> | Unchanged<'already-there'>;

type Removed<Made extends SubscriptionRemoved | FrameSourceUnbound> =
  Changed<'removed', readonly [Made]> | Unchanged<'not-there'>;

type Replaced =
  Changed<'replaced', readonly [SubscriptionReplaced]> | Unchanged<'already-there' | 'not-there'>;

export function ensureAgent(store: Store, cameraId: string): Added<AgentAdded> {
  if (!changesLifecycle(store, 'ensureAgent', cameraId)) return unchanged('already-there');
  return changed('added', [{ revision: store.revision + 1, kind: 'agent-added', cameraId }]);
}

export function startAgent(
  store: Store,
  cameraId: string,
): Changed<'started', readonly [AgentStarted]> | Unchanged<'already-running'> {
  if (!changesLifecycle(store, 'startAgent', cameraId)) return unchanged('already-running');
  return changed('started', [{ revision: store.revision + 1, kind: 'agent-started', cameraId }]);
}

export function stopAgent(
  store: Store,
  cameraId: string,
): Changed<'stopped', readonly [AgentStopped]> | Unchanged<'already-stopped'> {
  if (!changesLifecycle(store, 'stopAgent', cameraId)) return unchanged('already-stopped');
  return changed('stopped', [{ revision: store.revision + 1, kind: 'agent-stopped', cameraId }]);
}

export function removeAgent(
  store: Store,
  operation: 'removeAgent' | 'removeCamera',
  cameraId: string,
):
  | Changed<'removed', readonly [...(SubscriptionRemoved | FrameSourceUnbound)[], AgentRemoved]>
  | Unchanged<'not-there'> {
  const agent = store.agent(cameraId);
  stateAfter(operation, stateOf(agent), cameraId);
  if (agent === undefined) return unchanged('not-there');
  let { revision } = store;
  const first = agent.subscriptions.map((subscription): SubscriptionRemoved | FrameSourceUnbound => ({
    revision: (revision += 1),
    kind: 'subscription-removed',
    subscription,
  }));
  if (agent.frameSource !== null) {
    const { frameSource } = agent;
    first.push({ revision: (revision += 1), kind: 'frame-source-unbound', frameSource });
  }
  return changed('removed', [...first, { revision: revision + 1, kind: 'agent-removed', cameraId }]);
}

export function addSubscription(
  store: Store,
  cameraId: string,
  modelId: string,
  said: SaidData,
): Added<SubscriptionAdded> {
  const found = presentSubscription(store, 'addSubscription', cameraId, modelId);
  if (found !== undefined) return unchanged('already-there');
  const subscription = subscriptionOf(cameraId, modelId, said);
  return changed('added', [{ revision: store.revision + 1, kind: 'subscription-added', subscription }]);
}

export function replaceSubscription(
  store: Store,
  cameraId: string,
  modelId: string,
  said: SaidData,
): Replaced {
  const previous = presentSubscription(store, 'replaceSubscription', cameraId, modelId);
  if (previous === undefined) return unchanged('not-there');
  return replaced(store, previous, subscriptionOf(cameraId, modelId, said));
}

export function updateSubscription(
  store: Store,
  cameraId: string,
  modelId: string,
  said: SaidData,
): Replaced {
  const previous = presentSubscription(store, 'updateSubscription', cameraId, modelId);
  if (previous === undefined) return unchanged('not-there');
  return replaced(store, previous, subscriptionOf(cameraId, modelId, said, previous));
}

export function removeSubscription(
  store: Store,
  cameraId: string,
  modelId: string,
): Removed<SubscriptionRemoved> {
  const subscription = presentSubscription(store, 'removeSubscription', cameraId, modelId);
  if (subscription === undefined) return unchanged('not-there');
  return changed('removed', [{ revision: store.revision + 1, kind: 'subscription-removed', subscription }]);
}

export function removeModel(
  store: Store,
  modelId: string,
): Changed<'removed', readonly [...SubscriptionRemoved[], SubscriptionRemoved]> | Unchanged<'not-there'> {
  let { revision } = store;
  const removed = store.camerasOf(modelId).flatMap((cameraId): SubscriptionRemoved[] => {
    const agent = store.agent(cameraId);
    stateAfter('removeModel', stateOf(agent), cameraId);
    const subscription = store.subscription(agent, modelId);
    if (subscription === undefined) return [];
    return [{ revision: (revision += 1), kind: 'subscription-removed', subscription }];
  });
  const last = removed.pop();
  return last === undefined ? unchanged('not-there') : changed('removed', [...removed, last]);
}

export function bindFrameSource(
  store: Store,
  frameSource: FrameSourceRef,
): Changed<'added' | 'replaced', readonly [FrameSourceBound]> | Unchanged<'already-there'> {
  const agent = store.agent(frameSource.cameraId);
  stateAfter('bindFrameSource', stateOf(agent), frameSource.cameraId);
  const previous = agent?.frameSource ?? null;
  if (isSameData(previous, frameSource)) return unchanged('already-there');
  return changed(previous === null ? 'added' : 'replaced', [
    { revision: store.revision + 1, kind: 'frame-source-bound', frameSource, previous },
  ]);
}

export function unbindFrameSource(store: Store, cameraId: string): Removed<FrameSourceUnbound> {
  const agent = store.agent(cameraId);
  stateAfter('unbindFrameSource', stateOf(agent), cameraId);
  const frameSource = agent?.frameSource ?? null;
  if (frameSource === null) return unchanged('not-there');
  return changed('removed', [{ revision: store.revision + 1, kind: 'frame-source-unbound', frameSource }]);
}

function replaced(store: Store, previous: Subscription, subscription: Subscription): Replaced {
  if (isSameData(previous, subscription)) return unchanged('already-there');
  return changed('replaced', [
    { revision: store.revision + 1, kind: 'subscription-replaced', subscription, previous },
  ]);
}

/** Whether an operation leads to another state of the agent. */
function changesLifecycle(store: Store, operation: Operation, cameraId: string): boolean {
  const state = stateOf(store.agent(cameraId));
  return stateAfter(operation, state, cameraId) !== state;
}

/** The subscription that an operation finds, if the lifecycle allows the operation. */
function presentSubscription(
  store: Store,
  operation: Operation,
  cameraId: string,
  modelId: string,
): Subscription | undefined {
  const agent = store.agent(cameraId);
  const subscription = store.subscription(agent, modelId);
  stateAfter(operation, stateOf(agent), cameraId);
  return subscription;
}

function stateOf(agent: AgentRecord | undefined): AgentState {
  return agent?.lifecycle ?? 'absent';
}
