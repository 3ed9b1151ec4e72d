/** The state of Ruth AI Core: which models watch which camera. Pure state: synchronous, and without side effects. */
import {
  cameraOf,
  changed,
  unchanged,
  type AgentAdded,
  type AgentRemoved,
  type AgentStarted,
  type AgentStopped,
  type Change,
  type Changed,
  type FrameSourceBound,
  type FrameSourceUnbound,
  type Outcome,
  type SubscriptionAdded,
  type SubscriptionRemoved,
  type SubscriptionReplaced,
  type Unchanged,
} from './change.js';
import * as decide from './decide.js';
import { locating, RuthError } from './error.js';
import { readFrameSource, type FrameSourceRef } from './frame-source.js';
import { isSameData } from './plain-data.js';
import { readChange } from './recorded-change.js';
import { readSnapshot, SNAPSHOT_FORMAT, type Snapshot } from './snapshot.js';
import { Store } from './store.js';
import type { StreamAgent } from './stream-agent.js';
import { readSubscriptionData, type Subscription, type SubscriptionData } from './subscription.js';

/** How much there is. */
export interface Counts {
  readonly agents: number;
  readonly subscriptions: number;
  /** Models with at least one subscription. */
  readonly models: number;
}

const NO_SUBSCRIPTIONS: readonly never[] = Object.freeze([]);

/** Set by the class, which alone can reach into a state. */
let restored: (snapshot: unknown) => RuthState;

/**
 * Stream agents, their subscriptions and their frame sources.
 *
 * Every operation is immediate and returns what came of it and the changes it made. An operation that throws a
 * `RuthError` has changed nothing; malformed input is reported before the lifecycle is looked at. What a caller hands
 * over is read and copied before anything here is looked at, and accessors in it are refused, not run. Adding, removing
 * and finding a subscription cost the same with any number of cameras. Values handed out are frozen and never change
 * later. Lists are in the order of their ids, compared by code units, whatever order the operations came in.
 *
 * All operations throw `BAD_CAMERA_ID` and `BAD_MODEL_ID` for malformed ids, and what `lifecycleTable` refuses:
 * `AGENT_ABSENT`, `AGENT_NOT_STARTED`, `AGENT_RUNNING`, `AGENT_STOPPED`.
 */
export class RuthState {
  static {
    // `this`, not the name of the class: the bundler renames a class that names itself, and stack traces show the new
    // name.
    restored = (snapshot) => {
      const { revision, agents } = readSnapshot(snapshot);
      const state = new this();
      state.#store.restore(revision, agents);
      return state;
    };
  }

  readonly #store = new Store();
  #snapshot: Snapshot | null = null;

  /**
   * `JSON.stringify(state)` is the snapshot as JSON. An own property, and a function: structured clone and
   * `postMessage` refuse a state with `DataCloneError`, where a copy would be empty. They carry its snapshot.
   */
  readonly toJSON = (): Snapshot => this.snapshot();

  /**
   * The state that a snapshot shows, also one that JSON or structured clone carried. Costs as much as adding everything
   * in it.
   *
   * @throws RuthError `UNKNOWN_SNAPSHOT_FORMAT`, `BAD_SNAPSHOT`, or what is wrong with a value in it; the message says
   * where
   */
  static fromSnapshot(snapshot: Snapshot): RuthState {
    return restored(snapshot);
  }

  /** How many changes led to this state. */
  get revision(): number {
    return this.#store.revision;
  }

  /** Gives a camera its stream agent, unless it has one. */
  ensureAgent(cameraId: string): Changed<'added', readonly [AgentAdded]> | Unchanged<'already-there'> {
    return this.#commit(decide.ensureAgent(this.#store, cameraId));
  }

  /** `created` to `running`. */
  startAgent(cameraId: string): Changed<'started', readonly [AgentStarted]> | Unchanged<'already-running'> {
    return this.#commit(decide.startAgent(this.#store, cameraId));
  }

  /** `running` to `stopped`. Subscriptions and frame source stay until they are removed. */
  stopAgent(cameraId: string): Changed<'stopped', readonly [AgentStopped]> | Unchanged<'already-stopped'> {
    return this.#commit(decide.stopAgent(this.#store, cameraId));
  }

  /** Removes an agent that is not running, with its subscriptions; its camera can then be given a new one. */
  removeAgent(
    cameraId: string,
  ):
    | Changed<'removed', readonly [...(SubscriptionRemoved | FrameSourceUnbound)[], AgentRemoved]>
    | Unchanged<'not-there'> {
    return this.#commit(decide.removeAgent(this.#store, 'removeAgent', cameraId));
  }

  /** The camera is gone: removes its agent in any state, with its subscriptions. */
  removeCamera(
    cameraId: string,
  ):
    | Changed<'removed', readonly [...(SubscriptionRemoved | FrameSourceUnbound)[], AgentRemoved]>
    | Unchanged<'not-there'> {
    return this.#commit(decide.removeAgent(this.#store, 'removeCamera', cameraId));
  }

  /**
   * Attaches a model to a camera. A subscription that is there stays as it is, also if its data differs. A whole
   * `Subscription` is taken as data if its ids are these.
   *
   * @throws RuthError `BAD_SUBSCRIPTION`, `BAD_DESIRED_FPS`, `BAD_CONFIGURATION`
   */
  addSubscription(
    cameraId: string,
    modelId: string,
    data?: SubscriptionData | Subscription,
  ): Changed<'added', readonly [SubscriptionAdded]> | Unchanged<'already-there'> {
    const said = readSubscriptionData(cameraId, modelId, data);
    return this.#commit(decide.addSubscription(this.#store, cameraId, modelId, said));
  }

  /**
   * Gives a subscription other data: all of it, what is not named becomes `null`. `already-there`: the data is equal.
   *
   * @throws RuthError `BAD_SUBSCRIPTION`, `BAD_DESIRED_FPS`, `BAD_CONFIGURATION`
   */
  replaceSubscription(
    cameraId: string,
    modelId: string,
    data?: SubscriptionData | Subscription,
  ): Changed<'replaced', readonly [SubscriptionReplaced]> | Unchanged<'already-there' | 'not-there'> {
    const said = readSubscriptionData(cameraId, modelId, data);
    return this.#commit(decide.replaceSubscription(this.#store, cameraId, modelId, said));
  }

  /**
   * Gives a subscription other data where it is named, and keeps what is not. A configuration is one value: it is
   * replaced whole. `already-there`: the data is equal.
   *
   * @throws RuthError `BAD_SUBSCRIPTION`, `BAD_DESIRED_FPS`, `BAD_CONFIGURATION`
   */
  updateSubscription(
    cameraId: string,
    modelId: string,
    data: SubscriptionData | Subscription,
  ): Changed<'replaced', readonly [SubscriptionReplaced]> | Unchanged<'already-there' | 'not-there'> {
    const said = readSubscriptionData(cameraId, modelId, data);
    return this.#commit(decide.updateSubscription(this.#store, cameraId, modelId, said));
  }

  /** Detaches a model from a camera. */
  removeSubscription(
    cameraId: string,
    modelId: string,
  ): Changed<'removed', readonly [SubscriptionRemoved]> | Unchanged<'not-there'> {
    return this.#commit(decide.removeSubscription(this.#store, cameraId, modelId));
  }

  /** Detaches a model from every camera; costs as much as it has cameras. */
  removeModel(
    modelId: string,
  ): Changed<'removed', readonly [...SubscriptionRemoved[], SubscriptionRemoved]> | Unchanged<'not-there'> {
    return this.#commit(decide.removeModel(this.#store, modelId));
  }

  /**
   * Notes where the frames of `source.cameraId` would be found, instead of what was noted before. Opens nothing.
   *
   * @throws RuthError `BAD_FRAME_SOURCE`
   */
  bindFrameSource(
    source: FrameSourceRef,
  ): Changed<'added' | 'replaced', readonly [FrameSourceBound]> | Unchanged<'already-there'> {
    const frameSource = readFrameSource(source);
    return this.#commit(decide.bindFrameSource(this.#store, frameSource));
  }

  /** Forgets where a camera's frames would be found. */
  unbindFrameSource(
    cameraId: string,
  ): Changed<'removed', readonly [FrameSourceUnbound]> | Unchanged<'not-there'> {
    return this.#commit(decide.unbindFrameSource(this.#store, cameraId));
  }

  /**
   * Makes a recorded change once more. A change up to this state's revision is in the state already: nothing happens,
   * so that a log may begin before the snapshot that it is replayed on, and hold a change twice.
   *
   * @throws RuthError `CHANGES_MISSING`: changes between this state and that one have not been applied;
   * `CHANGE_DOES_NOT_FOLLOW`, `BAD_CHANGE`, or what the operation behind the change throws; the message says which
   * change and which camera
   */
  apply(change: Change): Changed<'applied', readonly [Change]> | Unchanged<'already-applied'> {
    const recorded = readChange(change);
    const { revision } = this.#store;
    if (recorded.revision <= revision) return unchanged('already-applied');
    locating(
      () => `change ${recorded.revision} (${recorded.kind}, camera ${cameraOf(recorded)})`,
      () => {
        if (recorded.revision > revision + 1) {
          throw new RuthError('CHANGES_MISSING', `the state is at revision ${revision}: changes are missing`);
        }
        if (isSameData(decideAgain(this.#store, recorded).changes, [recorded])) return;
        throw new RuthError(
          'CHANGE_DOES_NOT_FOLLOW',
          `it cannot happen to the state at revision ${revision} as it was recorded`,
        );
      },
    );
    return this.#commit(changed('applied', [recorded]));
  }

  /** The agent of a camera. */
  agent(cameraId: string): StreamAgent | undefined {
    return this.#store.agent(cameraId)?.value;
  }

  subscription(cameraId: string, modelId: string): Subscription | undefined {
    return this.#store.subscription(this.#store.agent(cameraId), modelId);
  }

  /** All agents, in the order of their camera ids. Costs what a snapshot costs. */
  agents(): readonly StreamAgent[] {
    return this.#store.agents();
  }

  /** In the order of their model ids; empty for a camera without an agent. */
  subscriptionsOf(cameraId: string): readonly Subscription[] {
    return this.#store.agent(cameraId)?.subscriptions ?? NO_SUBSCRIPTIONS;
  }

  /** The ids of the models with at least one subscription, in order. */
  modelIds(): readonly string[] {
    return this.#store.modelIds();
  }

  /** The ids of the cameras that a model is attached to, in order. */
  camerasOf(modelId: string): readonly string[] {
    return this.#store.camerasOf(modelId);
  }

  /** Kept up to date, not counted. */
  counts(): Counts {
    const { agentCount, subscriptionCount, modelCount } = this.#store;
    return Object.freeze({ agents: agentCount, subscriptions: subscriptionCount, models: modelCount });
  }

  /**
   * Everything at this moment. It shares with the snapshot before what did not change, so it costs one pointer per
   * agent and the making of the agents that changed since then, and nothing at all if none did.
   */
  snapshot(): Snapshot {
    const { revision } = this.#store;
    if (this.#snapshot?.revision !== revision) {
      this.#snapshot = Object.freeze({
        formatVersion: SNAPSHOT_FORMAT,
        revision,
        agents: this.#store.agents(),
      });
    }
    return this.#snapshot;
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const { agents, subscriptions, models } = this.counts();
    return (
      `RuthState { revision: ${this.revision}, agents: ${agents}, ` +
      `subscriptions: ${subscriptions}, models: ${models} }`
    );
  }

  #commit<Made extends Outcome>(outcome: Made): Made {
    this.#store.commit(outcome.changes);
    return outcome;
  }
}

/** Repeats the decision behind a change; on an equal state it gives the same change. */
function decideAgain(store: Store, change: Change): Outcome {
  switch (change.kind) {
    case 'agent-added':
      return decide.ensureAgent(store, change.cameraId);
    case 'agent-started':
      return decide.startAgent(store, change.cameraId);
    case 'agent-stopped':
      return decide.stopAgent(store, change.cameraId);
    case 'agent-removed':
      return decide.removeAgent(store, 'removeCamera', change.cameraId);
    case 'subscription-added': {
      const { cameraId, modelId } = change.subscription;
      return decide.addSubscription(store, cameraId, modelId, change.subscription);
    }
    case 'subscription-replaced': {
      const { cameraId, modelId } = change.subscription;
      return decide.replaceSubscription(store, cameraId, modelId, change.subscription);
    }
    case 'subscription-removed':
      return decide.removeSubscription(store, change.subscription.cameraId, change.subscription.modelId);
    case 'frame-source-bound':
      return decide.bindFrameSource(store, change.frameSource);
    case 'frame-source-unbound':
      return decide.unbindFrameSource(store, change.frameSource.cameraId);
  }
}
