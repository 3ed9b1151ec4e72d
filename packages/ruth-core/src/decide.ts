/**
 * What an operation would do to a state, as changes. Everything that can go wrong goes wrong here, where nothing
 * has changed yet: first malformed input, then the lifecycle. Nothing in this file changes anything.
 */
import { changed, unchanged, type Change, type Outcome } from './change.js';
import { readFrameSource, type FrameSourceRef } from './frame-source.js';
import { stateAfter, type AgentState } from './lifecycle.js';
import { isSameData } from './plain-data.js';
import type { Store } from './store.js';
import type { AgentRecord } from './stream-agent.js';
import { readSubscription, type SubscriptionData } from './subscription.js';

export function ensureAgent(store: Store, cameraId: string): Outcome<'added' | 'already-there'> {
  const state = stateOf(store.agent(cameraId));
  if (stateAfter('ensureAgent', state, cameraId) === state) return unchanged('already-there');
  return changed('added', [{ kind: 'agent-added', cameraId }]);
}

export function startAgent(store: Store, cameraId: string): Outcome<'started' | 'already-running'> {
  const state = stateOf(store.agent(cameraId));
  if (stateAfter('startAgent', state, cameraId) === state) return unchanged('already-running');
  return changed('started', [{ kind: 'agent-started', cameraId }]);
}

export function stopAgent(store: Store, cameraId: string): Outcome<'stopped' | 'already-stopped'> {
  const state = stateOf(store.agent(cameraId));
  if (stateAfter('stopAgent', state, cameraId) === state) return unchanged('already-stopped');
  return changed('stopped', [{ kind: 'agent-stopped', cameraId }]);
}

export function removeAgent(
  store: Store,
  operation: 'removeAgent' | 'removeCamera',
  cameraId: string,
): Outcome<'removed' | 'not-there'> {
  const agent = store.agent(cameraId);
  stateAfter(operation, stateOf(agent), cameraId);
  if (agent === undefined) return unchanged('not-there');
  const changes: Change[] = agent.subscriptions.map((subscription) => ({
    kind: 'subscription-removed',
    subscription,
  }));
  if (agent.frameSource !== null)
    changes.push({ kind: 'frame-source-unbound', frameSource: agent.frameSource });
  changes.push({ kind: 'agent-removed', cameraId });
  return changed('removed', changes);
}

export function addSubscription(
  store: Store,
  cameraId: string,
  modelId: string,
  data: SubscriptionData,
): Outcome<'added' | 'already-there'> {
  const agent = store.agent(cameraId);
  const present = store.subscription(agent, modelId);
  const subscription = readSubscription(cameraId, modelId, data);
  stateAfter('addSubscription', stateOf(agent), cameraId);
  if (present !== undefined) return unchanged('already-there');
  return changed('added', [{ kind: 'subscription-added', subscription }]);
}

export function replaceSubscription(
  store: Store,
  cameraId: string,
  modelId: string,
  data: SubscriptionData,
): Outcome<'replaced' | 'already-there' | 'not-there'> {
  const agent = store.agent(cameraId);
  const previous = store.subscription(agent, modelId);
  const subscription = readSubscription(cameraId, modelId, data);
  stateAfter('replaceSubscription', stateOf(agent), cameraId);
  if (previous === undefined) return unchanged('not-there');
  if (isSameData(previous, subscription)) return unchanged('already-there');
  return changed('replaced', [{ kind: 'subscription-replaced', subscription, previous }]);
}

export function removeSubscription(
  store: Store,
  cameraId: string,
  modelId: string,
): Outcome<'removed' | 'not-there'> {
  const agent = store.agent(cameraId);
  const subscription = store.subscription(agent, modelId);
  stateAfter('removeSubscription', stateOf(agent), cameraId);
  if (subscription === undefined) return unchanged('not-there');
  return changed('removed', [{ kind: 'subscription-removed', subscription }]);
}

export function removeModel(store: Store, modelId: string): Outcome<'removed' | 'not-there'> {
  const changes = store.camerasOf(modelId).flatMap((cameraId): Change[] => {
    const agent = store.agent(cameraId);
    stateAfter('removeModel', stateOf(agent), cameraId);
    const subscription = store.subscription(agent, modelId);
    return subscription === undefined ? [] : [{ kind: 'subscription-removed', subscription }];
  });
  return changes.length === 0 ? unchanged('not-there') : changed('removed', changes);
}

export function bindFrameSource(
  store: Store,
  source: FrameSourceRef,
): Outcome<'added' | 'replaced' | 'already-there'> {
  const frameSource = readFrameSource(source);
  const agent = store.agent(frameSource.cameraId);
  stateAfter('bindFrameSource', stateOf(agent), frameSource.cameraId);
  const previous = agent?.frameSource ?? null;
  if (isSameData(previous, frameSource)) return unchanged('already-there');
  return changed(previous === null ? 'added' : 'replaced', [
    { kind: 'frame-source-bound', frameSource, previous },
  ]);
}

export function unbindFrameSource(store: Store, cameraId: string): Outcome<'removed' | 'not-there'> {
  const agent = store.agent(cameraId);
  stateAfter('unbindFrameSource', stateOf(agent), cameraId);
  const frameSource = agent?.frameSource ?? null;
  if (frameSource === null) return unchanged('not-there');
  return changed('removed', [{ kind: 'frame-source-unbound', frameSource }]);
}

function stateOf(agent: AgentRecord | undefined): AgentState {
  return agent?.lifecycle ?? 'absent';
}
