/** A stream agent as it is handed out, and the record behind it. */
import type { FrameSourceRef } from './frame-source.js';
import type { AgentLifecycle } from './lifecycle.js';
import { Listing, type Members } from './listing.js';
import type { Subscription, SubscriptionRecord } from './subscription.js';

/** The logical entity that stands for one camera. Frozen, plain data; not a worker, thread or process. */
export interface StreamAgent {
  /** Always equal to `cameraId`. */
  readonly streamAgentId: string;
  readonly cameraId: string;
  readonly lifecycle: AgentLifecycle;
  /** Where the camera's frames would be found; `null`: nothing is bound. */
  readonly frameSource: FrameSourceRef | null;
  /** In the order of their model ids. */
  readonly subscriptions: readonly Subscription[];
}

/** What the store keeps of an agent. Never leaves the package. */
export class AgentRecord implements Members<Subscription> {
  readonly cameraId: string;
  readonly #records = new Map<string, SubscriptionRecord>();
  readonly #listing = new Listing<Subscription>(this);
  #lifecycle: AgentLifecycle = 'created';
  #frameSource: FrameSourceRef | null = null;
  #value: StreamAgent | null = null;

  constructor(cameraId: string) {
    this.cameraId = cameraId;
  }

  get lifecycle(): AgentLifecycle {
    return this.#lifecycle;
  }

  set lifecycle(lifecycle: AgentLifecycle) {
    this.#lifecycle = lifecycle;
    this.#value = null;
  }

  get frameSource(): FrameSourceRef | null {
    return this.#frameSource;
  }

  set frameSource(frameSource: FrameSourceRef | null) {
    this.#frameSource = frameSource;
    this.#value = null;
  }

  /** In the order of their model ids. */
  get subscriptions(): readonly Subscription[] {
    return this.#listing.values();
  }

  find(modelId: string): Subscription | undefined {
    return this.#records.get(modelId)?.subscription;
  }

  ids(): Iterable<string> {
    return this.#records.keys();
  }

  idOf(subscription: Subscription): string {
    return subscription.modelId;
  }

  add(record: SubscriptionRecord): void {
    const { modelId } = record.subscription;
    this.#records.set(modelId, record);
    this.#listing.touch(modelId);
  }

  remove(modelId: string): SubscriptionRecord {
    const record = this.changing(modelId);
    this.#records.delete(modelId);
    return record;
  }

  /** The record of a subscription that is about to change: whoever lists it next must ask it again. */
  changing(modelId: string): SubscriptionRecord {
    const record = this.#records.get(modelId);
    if (record === undefined) {
      throw new Error(`a defect: camera ${this.cameraId} has no subscription of model ${modelId}`);
    }
    this.#listing.touch(modelId);
    return record;
  }

  /** The agent as it is now: the same value until something about it changes. */
  get value(): StreamAgent {
    const { subscriptions } = this;
    if (this.#value?.subscriptions !== subscriptions) {
      this.#value = Object.freeze({
        streamAgentId: this.cameraId,
        cameraId: this.cameraId,
        lifecycle: this.#lifecycle,
        frameSource: this.#frameSource,
        subscriptions,
      });
    }
    return this.#value;
  }
}
