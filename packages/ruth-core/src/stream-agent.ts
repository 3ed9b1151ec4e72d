/** A stream agent as it is handed out, and the record behind it. */
import type { FrameSourceRef } from './frame-source.js';
import type { AgentLifecycle } from './lifecycle.js';
import { Listing } from './listing.js';
import type { Subscription } from './subscription.js';

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
export class AgentRecord {
  readonly cameraId: string;
  readonly subscriptions = new Listing<Subscription>(modelIdOf, itself);
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

  /** The agent as it is now: the same value until something about it changes. */
  get value(): StreamAgent {
    const subscriptions = this.subscriptions.values();
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

function modelIdOf(subscription: Subscription): string {
  return subscription.modelId;
}

function itself(subscription: Subscription): Subscription {
  return subscription;
}
