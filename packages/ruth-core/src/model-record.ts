/** What the store keeps of a model. Never leaves the package. */
import { Listing, type Members } from './listing.js';
import type { AgentRecord } from './stream-agent.js';
import type { Subscription, SubscriptionRecord } from './subscription.js';

/**
 * The subscriptions of one model. An array, not a Map by camera: V8 keeps deleted keys in the chains of a Map until
 * it rebuilds the table. A camera that comes and goes among 100,000 would be looked for among ever more deleted keys
 * of its own.
 */
export class ModelRecord implements Members<string> {
  readonly #modelId: string;
  readonly #agents: ReadonlyMap<string, AgentRecord>;
  readonly #records: SubscriptionRecord[] = [];
  readonly #cameras = new Listing<string>(this);

  constructor(modelId: string, agents: ReadonlyMap<string, AgentRecord>) {
    this.#modelId = modelId;
    this.#agents = agents;
  }

  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  /** In id order. */
  get cameras(): readonly string[] {
    return this.#cameras.values();
  }

  add(subscription: Subscription): SubscriptionRecord {
    const record = { subscription, position: this.#records.length };
    this.#records.push(record);
    this.#cameras.touch(subscription.cameraId);
    return record;
  }

  /** The last record takes the place of the one that goes. */
  remove({ subscription, position }: SubscriptionRecord): void {
    const last = this.#records.pop();
    if (last !== undefined && position < this.#records.length) {
      this.#records[position] = last;
      last.position = position;
    }
    this.#cameras.touch(subscription.cameraId);
  }

  ids(): string[] {
    return this.#records.map(({ subscription }) => subscription.cameraId);
  }

  find(cameraId: string): string | undefined {
    return this.#agents.get(cameraId)?.find(this.#modelId)?.cameraId;
  }

  idOf(cameraId: string): string {
    return cameraId;
  }
}
