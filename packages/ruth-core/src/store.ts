/** The state itself: agents by camera and subscriptions by model. Changes only by `commit`, which decides nothing. */
import type { Change } from './change.js';
import { checkCameraId, checkModelId } from './ids.js';
import { Listing } from './listing.js';
import { ModelRecord } from './model-record.js';
import { AgentRecord, type StreamAgent } from './stream-agent.js';
import type { Subscription } from './subscription.js';

const NONE: readonly never[] = Object.freeze([]);

export class Store {
  readonly #agents = new Map<string, AgentRecord>();
  readonly #listing = new Listing<StreamAgent>({
    ids: () => this.#agents.keys(),
    find: (cameraId) => this.#agents.get(cameraId)?.value,
    idOf: ({ cameraId }) => cameraId,
  });
  /** A model without subscriptions has no entry. */
  readonly #models = new Map<string, ModelRecord>();
  readonly #modelListing = new Listing<string>({
    ids: () => this.#models.keys(),
    find: (modelId) => (this.#models.has(modelId) ? modelId : undefined),
    idOf: (modelId) => modelId,
  });
  #subscriptionCount = 0;
  #revision = 0;

  /** How many changes led to what is here. */
  get revision(): number {
    return this.#revision;
  }

  get agentCount(): number {
    return this.#agents.size;
  }

  get modelCount(): number {
    return this.#models.size;
  }

  get subscriptionCount(): number {
    return this.#subscriptionCount;
  }

  /** @throws RuthError `BAD_CAMERA_ID` */
  agent(cameraId: string): AgentRecord | undefined {
    const agent = this.#agents.get(cameraId);
    // What is here has passed the check already.
    if (agent === undefined) checkCameraId(cameraId);
    return agent;
  }

  /** @throws RuthError `BAD_MODEL_ID` */
  subscription(agent: AgentRecord | undefined, modelId: string): Subscription | undefined {
    const subscription = agent?.find(modelId);
    if (subscription === undefined) checkModelId(modelId);
    return subscription;
  }

  agents(): readonly StreamAgent[] {
    return this.#listing.values();
  }

  /** @throws RuthError `BAD_MODEL_ID` */
  camerasOf(modelId: string): readonly string[] {
    const model = this.#models.get(modelId);
    if (model === undefined) checkModelId(modelId);
    return model?.cameras ?? NONE;
  }

  /** In id order. */
  modelIds(): readonly string[] {
    return this.#modelListing.values();
  }

  /** Makes changes true, one after the other. They have been decided on this very state, so nothing can fail. */
  commit(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#commitOne(change);
      this.#revision = change.revision;
    }
  }

  /** Fills an empty store with the agents of a snapshot, which have been checked. */
  restore(revision: number, agents: readonly StreamAgent[]): void {
    for (const { cameraId, lifecycle, frameSource, subscriptions } of agents) {
      this.#commitOne({ revision, kind: 'agent-added', cameraId });
      for (const subscription of subscriptions) this.#addSubscription(subscription);
      const agent = this.#changing(cameraId);
      agent.frameSource = frameSource;
      agent.lifecycle = lifecycle;
    }
    this.#revision = revision;
  }

  #commitOne(change: Change): void {
    switch (change.kind) {
      case 'agent-added':
        this.#agents.set(change.cameraId, new AgentRecord(change.cameraId));
        this.#listing.touch(change.cameraId);
        return;
      case 'agent-started':
        this.#changing(change.cameraId).lifecycle = 'running';
        return;
      case 'agent-stopped':
        this.#changing(change.cameraId).lifecycle = 'stopped';
        return;
      case 'agent-removed':
        this.#agents.delete(change.cameraId);
        this.#listing.touch(change.cameraId);
        return;
      case 'subscription-added':
        this.#addSubscription(change.subscription);
        return;
      case 'subscription-replaced': {
        const { cameraId, modelId } = change.subscription;
        this.#changing(cameraId).changing(modelId).subscription = change.subscription;
        return;
      }
      case 'subscription-removed':
        this.#removeSubscription(change.subscription);
        return;
      case 'frame-source-bound':
        this.#changing(change.frameSource.cameraId).frameSource = change.frameSource;
        return;
      case 'frame-source-unbound':
        this.#changing(change.frameSource.cameraId).frameSource = null;
        return;
    }
  }

  #addSubscription(subscription: Subscription): void {
    const { cameraId, modelId } = subscription;
    let model = this.#models.get(modelId);
    if (model === undefined) {
      model = new ModelRecord(modelId, this.#agents);
      this.#models.set(modelId, model);
      this.#modelListing.touch(modelId);
    }
    this.#changing(cameraId).add(model.add(subscription));
    this.#subscriptionCount += 1;
  }

  #removeSubscription({ cameraId, modelId }: Subscription): void {
    const record = this.#changing(cameraId).remove(modelId);
    const model = this.#models.get(modelId);
    model?.remove(record);
    if (model?.isEmpty === true) {
      this.#models.delete(modelId);
      this.#modelListing.touch(modelId);
    }
    this.#subscriptionCount -= 1;
  }

  /** The record of an agent that is about to change: whoever lists it next must ask it again. */
  #changing(cameraId: string): AgentRecord {
    const agent = this.#agents.get(cameraId);
    if (agent === undefined) throw new Error(`a defect: camera ${cameraId} has no agent that could change`);
    this.#listing.touch(cameraId);
    return agent;
  }
}
