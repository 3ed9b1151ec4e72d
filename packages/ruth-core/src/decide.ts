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
import { stateAfter, type AgentState } from './lifecycle.js';
import { isSameData } from './plain-data.js';
import type { Store } from './store.js';
import type { AgentRecord } from './stream-agent.js';
import { subscriptionOf, type SaidData } from './subscription.js';

type Added<Made extends AgentAdded | SubscriptionAdded> =
  Changed<'added', readonly [Made]> | Unchanged<'already-there'>;

type Removed<Made extends SubscriptionRemoved | FrameSourceUnbound> =
  Changed<'removed', readonly [Made]> | Unchanged<'not-there'>;

type Replaced =
  Changed<'replaced', readonly [SubscriptionReplaced]> | Unchanged<'already-there' | 'not-there'>;

export function ensureAgent(store: Store, cameraId: string): Added<AgentAdded> {
  const state = stateOf(store.agent(cameraId));
  if (stateAfter('ensureAgent', state, cameraId) === state) return unchanged('already-there');
  return changed('added', [{ revision: store.revision + 1, kind: 'agent-added', cameraId }]);
}

export function startAgent(
  store: Store,
  cameraId: string,
): Changed<'started', readonly [AgentStarted]> | Unchanged<'already-running'> {
  const state = stateOf(store.agent(cameraId));
  if (stateAfter('startAgent', state, cameraId) === state) return unchanged('already-running');
  return changed('started', [{ revision: store.revision + 1, kind: 'agent-started', cameraId }]);
}

export function stopAgent(
  store: Store,
  cameraId: string,
): Changed<'stopped', readonly [AgentStopped]> | Unchanged<'already-stopped'> {
  const state = stateOf(store.agent(cameraId));
  if (stateAfter('stopAgent', state, cameraId) === state) return unchanged('already-stopped');
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
  const agent = store.agent(cameraId);
  const present = store.subscription(agent, modelId);
  stateAfter('addSubscription', stateOf(agent), cameraId);
  if (present !== undefined) return unchanged('already-there');
  const subscription = subscriptionOf(cameraId, modelId, said);
  return changed('added', [{ revision: store.revision + 1, kind: 'subscription-added', subscription }]);
}

export function replaceSubscription(
  store: Store,
  cameraId: string,
  modelId: string,
  said: SaidData,
): Replaced {
  const agent = store.agent(cameraId);
  const previous = store.subscription(agent, modelId);
  stateAfter('replaceSubscription', stateOf(agent), cameraId);
  if (previous === undefined) return unchanged('not-there');
  return replaced(store, previous, subscriptionOf(cameraId, modelId, said));
}

export function updateSubscription(
  store: Store,
  cameraId: string,
  modelId: string,
  said: SaidData,
): Replaced {
  const agent = store.agent(cameraId);
  const previous = store.subscription(agent, modelId);
  stateAfter('updateSubscription', stateOf(agent), cameraId);
  if (previous === undefined) return unchanged('not-there');
  return replaced(store, previous, subscriptionOf(cameraId, modelId, said, previous));
}

export function removeSubscription(
  store: Store,
  cameraId: string,
  modelId: string,
): Removed<SubscriptionRemoved> {
  const agent = store.agent(cameraId);
  const subscription = store.subscription(agent, modelId);
  stateAfter('removeSubscription', stateOf(agent), cameraId);
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

function replaced(
  store: Store,
  previous: SubscriptionReplaced['previous'],
  subscription: SubscriptionReplaced['subscription'],
): Replaced {
  if (isSameData(previous, subscription)) return unchanged('already-there');
  return changed('replaced', [
    { revision: store.revision + 1, kind: 'subscription-replaced', subscription, previous },
  ]);
}

function stateOf(agent: AgentRecord | undefined): AgentState {
  return agent?.lifecycle ?? 'absent';
}
