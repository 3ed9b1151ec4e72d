/** Stream agents and model subscriptions as pure state. */
export type {
  AgentAdded,
  AgentRemoved,
  AgentStarted,
  AgentStopped,
  Change,
  Changed,
  ChangedOutcome,
  Changes,
  FrameSourceBound,
  FrameSourceUnbound,
  Outcome,
  SubscriptionAdded,
  SubscriptionRemoved,
  SubscriptionReplaced,
  Unchanged,
  UnchangedOutcome,
} from './change.js';
export { RuthError, type RuthErrorCode } from './error.js';
export type { FrameSourceRef } from './frame-source.js';
export { lifecycleTable, type AgentLifecycle, type AgentState, type Operation } from './lifecycle.js';
export type { PlainData } from './plain-data.js';
export { RuthState, type Counts } from './ruth-state.js';
export type { Snapshot } from './snapshot.js';
export type { StreamAgent } from './stream-agent.js';
export type { Subscription, SubscriptionData } from './subscription.js';
