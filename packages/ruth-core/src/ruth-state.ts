/** The state of Ruth AI Core: which models watch which camera. Pure state: synchronous, and nothing happens by it. */
import type { Change, ChangedOutcome, Outcome, UnchangedOutcome } from './change.js';
import * as decide from './decide.js';
import { readingAs, RuthError } from './error.js';
import type { FrameSourceRef } from './frame-source.js';
import { isSameData } from './plain-data.js';
import { Store } from './store.js';
import type { StreamAgent } from './stream-agent.js';
import type { Subscription, SubscriptionData } from './subscription.js';

/** Everything at one moment. Frozen, plain data. */
export interface Snapshot {
  /** In the order of their camera ids. */
  readonly agents: readonly StreamAgent[];
}

/** How much there is. */
export interface Counts {
  readonly agents: number;
  readonly subscriptions: number;
  /** Models with at least one subscription. */
  readonly models: number;
}

const NO_DATA: SubscriptionData = Object.freeze({});
const NO_SUBSCRIPTIONS: readonly never[] = Object.freeze([]);

/**
 * Stream agents, their subscriptions and their frame sources.
 *
 * Every operation is immediate and returns an `Outcome`: what came of it, and the changes it made. An operation that
 * throws a `RuthError` has changed nothing; malformed input is reported before the lifecycle is looked at. Adding,
 * removing and finding a subscription cost the same with any number of cameras. Values handed out are frozen and never
 * change later. Lists are in the order of their ids, compared by code units, whatever order the operations came in.
 *
 * All operations throw `BAD_CAMERA_ID` and `BAD_MODEL_ID` for malformed ids, and what `lifecycleTable` refuses:
 * `AGENT_ABSENT`, `AGENT_NOT_STARTED`, `AGENT_RUNNING`, `AGENT_STOPPED`.
 */
export class RuthState {
  readonly #store = new Store();
  #snapshot: Snapshot | null = null;

  /**
   * The state that a snapshot shows. Costs as much as adding everything in it.
   *
   * @throws RuthError `BAD_SNAPSHOT`, or what is wrong with a value in it
   */
  static fromSnapshot(snapshot: Snapshot): RuthState {
    const state = new RuthState();
    readingAs('BAD_SNAPSHOT', () => {
      for (const agent of snapshot.agents) state.#restore(agent);
    });
    return state;
  }

  /** Gives a camera its stream agent, unless it has one. */
  ensureAgent(cameraId: string): Outcome<'added' | 'already-there'> {
    return this.#commit(decide.ensureAgent(this.#store, cameraId));
  }

  /** `created` to `running`. */
  startAgent(cameraId: string): Outcome<'started' | 'already-running'> {
    return this.#commit(decide.startAgent(this.#store, cameraId));
  }

  /** `running` to `stopped`. Subscriptions and frame source stay until they are removed. */
  stopAgent(cameraId: string): Outcome<'stopped' | 'already-stopped'> {
    return this.#commit(decide.stopAgent(this.#store, cameraId));
  }

  /** Removes an agent that is not running, with its subscriptions; its camera can then be given a new one. */
  removeAgent(cameraId: string): Outcome<'removed' | 'not-there'> {
    return this.#commit(decide.removeAgent(this.#store, 'removeAgent', cameraId));
  }

  /** The camera is gone: removes its agent in any state, with its subscriptions. */
  removeCamera(cameraId: string): Outcome<'removed' | 'not-there'> {
    return this.#commit(decide.removeAgent(this.#store, 'removeCamera', cameraId));
  }

  /**
   * Attaches a model to a camera. A subscription that is there stays as it is, also if its data differs.
   *
   * @throws RuthError `BAD_SUBSCRIPTION`, `BAD_DESIRED_FPS`, `BAD_CONFIGURATION`
   */
  addSubscription(
    cameraId: string,
    modelId: string,
    data: SubscriptionData = NO_DATA,
  ): Outcome<'added' | 'already-there'> {
    return this.#commit(decide.addSubscription(this.#store, cameraId, modelId, data));
  }

  /**
   * Gives a subscription other data: all of it, what is not named becomes `null`. `already-there`: the data is equal.
   *
   * @throws RuthError `BAD_SUBSCRIPTION`, `BAD_DESIRED_FPS`, `BAD_CONFIGURATION`
   */
  replaceSubscription(
    cameraId: string,
    modelId: string,
    data: SubscriptionData = NO_DATA,
  ): Outcome<'replaced' | 'already-there' | 'not-there'> {
    return this.#commit(decide.replaceSubscription(this.#store, cameraId, modelId, data));
  }

  /** Detaches a model from a camera. */
  removeSubscription(cameraId: string, modelId: string): Outcome<'removed' | 'not-there'> {
    return this.#commit(decide.removeSubscription(this.#store, cameraId, modelId));
  }

  /** Detaches a model from every camera; costs as much as it has cameras. */
  removeModel(modelId: string): Outcome<'removed' | 'not-there'> {
    return this.#commit(decide.removeModel(this.#store, modelId));
  }

  /**
   * Notes where the frames of `source.cameraId` would be found, instead of what was noted before. Opens nothing.
   *
   * @throws RuthError `BAD_FRAME_SOURCE`
   */
  bindFrameSource(source: FrameSourceRef): Outcome<'added' | 'replaced' | 'already-there'> {
    return this.#commit(decide.bindFrameSource(this.#store, source));
  }

  /** Forgets where a camera's frames would be found. */
  unbindFrameSource(cameraId: string): Outcome<'removed' | 'not-there'> {
    return this.#commit(decide.unbindFrameSource(this.#store, cameraId));
  }

  /**
   * Makes a recorded change once more, on a state equal to the one that it was made on.
   *
   * @throws RuthError `CHANGE_DOES_NOT_FOLLOW`, `BAD_CHANGE`, or what the operation behind the change throws
   */
  apply(change: Change): void {
    const outcome = readingAs('BAD_CHANGE', () => {
      const outcome = decideAgain(this.#store, change);
      if (isSameData(outcome.changes, [change])) return outcome;
      throw new RuthError('CHANGE_DOES_NOT_FOLLOW', `${change.kind} cannot happen to this state as recorded`);
    });
    this.#commit(outcome);
  }

  /** The agent of a camera. */
  agent(cameraId: string): StreamAgent | undefined {
    return this.#store.agent(cameraId)?.value;
  }

  subscription(cameraId: string, modelId: string): Subscription | undefined {
    return this.#store.subscription(this.#store.agent(cameraId), modelId);
  }

  /** In the order of their model ids; empty for a camera without an agent. */
  subscriptionsOf(cameraId: string): readonly Subscription[] {
    return this.#store.agent(cameraId)?.subscriptions ?? NO_SUBSCRIPTIONS;
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
   * Everything at this moment. Shares all that did not change with the snapshot before: costs one pointer per
   * agent and the making of the agents that changed since then, and nothing at all if none did.
   */
  snapshot(): Snapshot {
    const agents = this.#store.agents();
    if (this.#snapshot?.agents !== agents) this.#snapshot = Object.freeze({ agents });
    return this.#snapshot;
  }

  #commit<Kind extends ChangedOutcome | UnchangedOutcome>(outcome: Outcome<Kind>): Outcome<Kind> {
    this.#store.commit(outcome.changes);
    return outcome;
  }

  #restore(agent: StreamAgent): void {
    const { cameraId, lifecycle, frameSource } = agent;
    if (this.ensureAgent(cameraId).outcome !== 'added') contradiction(cameraId, 'stands there twice');
    if (agent.streamAgentId !== cameraId) contradiction(cameraId, 'has an agent of another id');
    for (const { cameraId: subscribed, modelId, ...data } of agent.subscriptions) {
      if (subscribed !== cameraId) contradiction(cameraId, 'has a subscription of another camera');
      if (this.addSubscription(cameraId, modelId, data).outcome !== 'added') {
        contradiction(cameraId, `has two subscriptions of model ${modelId}`);
      }
    }
    if (frameSource !== null) {
      if (frameSource.cameraId !== cameraId) contradiction(cameraId, 'has a frame source of another camera');
      this.bindFrameSource(frameSource);
    }
    if (lifecycle !== 'created') this.startAgent(cameraId);
    if (lifecycle === 'stopped') this.stopAgent(cameraId);
    if (this.agent(cameraId)?.lifecycle !== lifecycle)
      contradiction(cameraId, 'is in no state that there is');
  }
}

/** The decision that a change was made by: on an equal state it comes to that very change. */
function decideAgain(store: Store, change: Change): Outcome<ChangedOutcome | UnchangedOutcome> {
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
      const { cameraId, modelId, ...data } = change.subscription;
      return decide.addSubscription(store, cameraId, modelId, data);
    }
    case 'subscription-replaced': {
      const { cameraId, modelId, ...data } = change.subscription;
      return decide.replaceSubscription(store, cameraId, modelId, data);
    }
    case 'subscription-removed':
      return decide.removeSubscription(store, change.subscription.cameraId, change.subscription.modelId);
    case 'frame-source-bound':
      return decide.bindFrameSource(store, change.frameSource);
    case 'frame-source-unbound':
      return decide.unbindFrameSource(store, change.frameSource.cameraId);
    default:
      change satisfies never;
      throw new RuthError('BAD_CHANGE', 'not a change: its kind is not known');
  }
}

function contradiction(cameraId: string, why: string): never {
  throw new RuthError('BAD_SNAPSHOT', `the snapshot contradicts itself: camera ${cameraId} ${why}`);
}
