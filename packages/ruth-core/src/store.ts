/** What is: agents by camera and cameras by model. Changes only by `commit`, which decides nothing. */
import type { Change } from './change.js';
import { checkCameraId, checkModelId } from './ids.js';
import { Listing } from './listing.js';
import { AgentRecord, type StreamAgent } from './stream-agent.js';
import type { Subscription } from './subscription.js';

const NONE: readonly never[] = Object.freeze([]);

export class Store {
  readonly #agents = new Listing<AgentRecord, StreamAgent>(
    (agent) => agent.cameraId,
    (record) => record.value,
  );
  /** The cameras of each model; a model without cameras has no entry. */
  readonly #cameras = new Map<string, Listing<string>>();
  #subscriptionCount = 0;

  get agentCount(): number {
    return this.#agents.size;
  }

  get modelCount(): number {
    return this.#cameras.size;
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
    const subscription = agent?.subscriptions.get(modelId);
    if (subscription === undefined) checkModelId(modelId);
    return subscription;
  }

  agents(): readonly StreamAgent[] {
    return this.#agents.values();
  }

  /** @throws RuthError `BAD_MODEL_ID` */
  camerasOf(modelId: string): readonly string[] {
    const cameras = this.#cameras.get(modelId);
    if (cameras === undefined) checkModelId(modelId);
    return cameras?.values() ?? NONE;
  }

  /** Makes changes true, one after the other. They have been decided on this very state, so nothing can fail. */
  commit(changes: readonly Change[]): void {
    for (const change of changes) this.#commitOne(change);
  }

  #commitOne(change: Change): void {
    switch (change.kind) {
      case 'agent-added':
        this.#agents.set(change.cameraId, new AgentRecord(change.cameraId));
        return;
      case 'agent-started':
        this.#changing(change.cameraId).lifecycle = 'running';
        return;
      case 'agent-stopped':
        this.#changing(change.cameraId).lifecycle = 'stopped';
        return;
      case 'agent-removed':
        this.#agents.delete(change.cameraId);
        return;
      case 'subscription-added':
        this.#addSubscription(change.subscription);
        return;
      case 'subscription-replaced': {
        const { cameraId, modelId } = change.subscription;
        this.#changing(cameraId).subscriptions.set(modelId, change.subscription);
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
    this.#changing(cameraId).subscriptions.set(modelId, subscription);
    let cameras = this.#cameras.get(modelId);
    if (cameras === undefined) {
      cameras = new Listing<string>(itself, itself);
      this.#cameras.set(modelId, cameras);
    }
    cameras.set(cameraId, cameraId);
    this.#subscriptionCount += 1;
  }

  #removeSubscription({ cameraId, modelId }: Subscription): void {
    this.#changing(cameraId).subscriptions.delete(modelId);
    const cameras = this.#cameras.get(modelId);
    cameras?.delete(cameraId);
    if (cameras?.size === 0) this.#cameras.delete(modelId);
    this.#subscriptionCount -= 1;
  }

  /** The record of an agent that is about to change: whoever lists it next must ask it again. */
  #changing(cameraId: string): AgentRecord {
    const agent = this.#agents.get(cameraId);
    if (agent === undefined) throw new Error(`a defect: camera ${cameraId} has no agent that could change`);
    this.#agents.touch(cameraId);
    return agent;
  }
}

function itself(cameraId: string): string {
  return cameraId;
}
