/** Changes and outcomes: what an operation did, as frozen plain data that can be logged, compared and replayed. */
import type { FrameSourceRef } from './frame-source.js';
import type { Subscription } from './subscription.js';

/** One step from one state to the next. Carries what it takes to do it again, and what it did away with. */
export type Change =
  | { readonly kind: 'agent-added'; readonly cameraId: string }
  | { readonly kind: 'agent-started'; readonly cameraId: string }
  | { readonly kind: 'agent-stopped'; readonly cameraId: string }
  | { readonly kind: 'agent-removed'; readonly cameraId: string }
  | { readonly kind: 'subscription-added'; readonly subscription: Subscription }
  | {
      readonly kind: 'subscription-replaced';
      readonly subscription: Subscription;
      readonly previous: Subscription;
    }
  | { readonly kind: 'subscription-removed'; readonly subscription: Subscription }
  | {
      readonly kind: 'frame-source-bound';
      readonly frameSource: FrameSourceRef;
      readonly previous: FrameSourceRef | null;
    }
  | { readonly kind: 'frame-source-unbound'; readonly frameSource: FrameSourceRef };

/** Outcomes that changed something. */
export type ChangedOutcome = 'added' | 'started' | 'stopped' | 'replaced' | 'removed';

/** Outcomes that changed nothing: things were already as they were asked to be. */
export type UnchangedOutcome = 'already-there' | 'already-running' | 'already-stopped' | 'not-there';

/** What came of an operation. `changes` is empty exactly when nothing changed. */
export interface Outcome<Kind extends ChangedOutcome | UnchangedOutcome> {
  readonly outcome: Kind;
  /** In the order in which they happened; replaying them in this order gives the same state. */
  readonly changes: readonly Change[];
}

export function changed<Kind extends ChangedOutcome>(outcome: Kind, changes: Change[]): Outcome<Kind> {
  changes.forEach(Object.freeze);
  return Object.freeze({ outcome, changes: Object.freeze(changes) });
}

const NO_CHANGES: readonly Change[] = Object.freeze([]);

export function unchanged<Kind extends UnchangedOutcome>(outcome: Kind): Outcome<Kind> {
  return Object.freeze({ outcome, changes: NO_CHANGES });
}
