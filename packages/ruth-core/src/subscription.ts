/** A subscription: one model attached to one camera, with data that later phases may read and nothing here acts on. */
import { quoted, readingAs, RuthError } from './error.js';
import { copyPlainData, type PlainData } from './plain-data.js';

/** One model attached to one camera. The identity is the pair of ids. Frozen, plain data. */
export interface Subscription {
  readonly cameraId: string;
  readonly modelId: string;
  /** Frames per second that the model would like; `null`: it did not say. Inert: nothing is limited or paced. */
  readonly desiredFps: number | null;
  /** Whatever the model's owner wants kept with the subscription; `null`: nothing. Never looked into. */
  readonly configuration: PlainData;
}

/** What the store keeps of a subscription. Its agent and its model share it. Never leaves the package. */
export interface SubscriptionRecord {
  subscription: Subscription;
  /** Where the record stands in its model. */
  position: number;
}

/** What a caller may say about a subscription besides its identity. */
export interface SubscriptionData {
  /** A finite positive number. Default: `null`. */
  readonly desiredFps?: number | null;
  /** Plain data of at most 10,000 values and 32 levels. Default: `null`. */
  readonly configuration?: PlainData;
}

/**
 * A frozen subscription that shares nothing with the caller's object. The ids have been checked already.
 *
 * @throws RuthError `BAD_SUBSCRIPTION`, `BAD_DESIRED_FPS`, `BAD_CONFIGURATION`
 */
export function readSubscription(cameraId: string, modelId: string, data: unknown): Subscription {
  const { desiredFps, configuration } = readingAs('BAD_SUBSCRIPTION', () => readFields(data));
  if (desiredFps !== null && !isRate(desiredFps)) {
    throw new RuthError(
      'BAD_DESIRED_FPS',
      `desired rate ${quoted(desiredFps)} is not a finite positive number`,
    );
  }
  return Object.freeze({
    cameraId,
    modelId,
    desiredFps,
    configuration: readingAs('BAD_CONFIGURATION', () => copyPlainData(configuration, 'configuration')),
  });
}

function readFields(data: unknown): { desiredFps: unknown; configuration: unknown } {
  if (data === null || typeof data !== 'object' || Array.isArray(data)) {
    throw new TypeError(`the data of a subscription is ${quoted(data)}, not an object`);
  }
  for (const key of Reflect.ownKeys(data)) {
    if (key !== 'desiredFps' && key !== 'configuration') {
      throw new TypeError(`a subscription has no field ${quoted(key)}`);
    }
  }
  const { desiredFps = null, configuration = null } = data as {
    desiredFps?: unknown;
    configuration?: unknown;
  };
  return { desiredFps, configuration };
}

function isRate(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}
