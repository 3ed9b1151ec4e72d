/** Changes and outcomes: what an operation did, as frozen plain data that can be logged, compared and replayed. */
import type { FrameSourceRef } from './frame-source.js';
import type { Subscription } from './subscription.js';

/** What every change carries. */
interface Numbered {
  /** The state's revision once the change is made: one more than before it, and the first change of a state is 1. */
  readonly revision: number;
}

export interface AgentAdded extends Numbered {
  readonly kind: 'agent-added';
  readonly cameraId: string;
}

export interface AgentStarted extends Numbered {
  readonly kind: 'agent-started';
  readonly cameraId: string;
}

export interface AgentStopped extends Numbered {
  readonly kind: 'agent-stopped';
  readonly cameraId: string;
}

export interface AgentRemoved extends Numbered {
  readonly kind: 'agent-removed';
  readonly cameraId: string;
}

export interface SubscriptionAdded extends Numbered {
  readonly kind: 'subscription-added';
  readonly subscription: Subscription;
}

export interface SubscriptionReplaced extends Numbered {
  readonly kind: 'subscription-replaced';
  readonly subscription: Subscription;
  readonly previous: Subscription;
}

export interface SubscriptionRemoved extends Numbered {
  readonly kind: 'subscription-removed';
  readonly subscription: Subscription;
}

export interface FrameSourceBound extends Numbered {
  readonly kind: 'frame-source-bound';
  readonly frameSource: FrameSourceRef;
  /** `null`: nothing was bound. */
  readonly previous: FrameSourceRef | null;
}

export interface FrameSourceUnbound extends Numbered {
  readonly kind: 'frame-source-unbound';
  readonly frameSource: FrameSourceRef;
}

/** One step from one state to the next. Carries what it takes to do it again, and what it did away with. */
export type Change =
  | AgentAdded
  | AgentStarted
  | AgentStopped
  | AgentRemoved
  | SubscriptionAdded
  | SubscriptionReplaced
  | SubscriptionRemoved
  | FrameSourceBound
  | FrameSourceUnbound;

/** The camera that a change is about. */
export function cameraOf(change: Change): string {
  if ('cameraId' in change) return change.cameraId;
  return 'subscription' in change ? change.subscription.cameraId : change.frameSource.cameraId;
}

/** Outcomes that changed something. */
export type ChangedOutcome = 'added' | 'started' | 'stopped' | 'replaced' | 'removed' | 'applied';

/** Outcomes that changed nothing: things were already as they were asked to be. */
export type UnchangedOutcome =
  'already-there' | 'already-running' | 'already-stopped' | 'already-applied' | 'not-there';

/** At least one change. */
export type Changes = readonly [...Change[], Change];

/** An operation changed something. */
export interface Changed<Kind extends ChangedOutcome, Made extends Changes = Changes> {
  readonly outcome: Kind;
  /** In the order in which they happened; replaying them in this order gives the same state. */
  readonly changes: Made;
}

/** An operation changed nothing. */
export interface Unchanged<Kind extends UnchangedOutcome> {
  readonly outcome: Kind;
  readonly changes: readonly [];
}

/** What came of an operation. `changes` is empty exactly when nothing changed. */
export type Outcome = Changed<ChangedOutcome> | Unchanged<UnchangedOutcome>;

export function changed<Kind extends ChangedOutcome, Made extends Changes>(
  outcome: Kind,
  changes: Made,
): Changed<Kind, Made> {
  changes.forEach(Object.freeze);
  Object.freeze(changes);
  return Object.freeze({ outcome, changes });
}

const NO_CHANGES: readonly [] = Object.freeze([] as const);

export function unchanged<Kind extends UnchangedOutcome>(outcome: Kind): Unchanged<Kind> {
  return Object.freeze({ outcome, changes: NO_CHANGES });
}
