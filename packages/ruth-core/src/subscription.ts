/** A subscription: one model attached to one camera, with data that later phases may read and nothing here acts on. */
import { quoted, readingAs, RuthError } from './error.js';
import { checkCameraId, checkModelId } from './ids.js';
import { copyPlainData, readAllFields, readFields, type PlainData } from './plain-data.js';

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

/** What a caller may say about a subscription besides its identity. `undefined` is the same as not saying it. */
export interface SubscriptionData {
  /** A finite positive number, or `null`: no wish. */
  readonly desiredFps?: number | null | undefined;
  /** Plain data of at most 10,000 values and 32 levels; `null`: nothing. */
  readonly configuration?: PlainData | undefined;
}

/** What a caller has said, checked and copied. `undefined`: not said. Never leaves the package. */
export interface SaidData {
  readonly desiredFps: number | null | undefined;
  readonly configuration: PlainData | undefined;
}

const FIELDS = ['cameraId', 'modelId', 'desiredFps', 'configuration'] as const;
const NOTHING_SAID: SaidData = Object.freeze({ desiredFps: undefined, configuration: undefined });

/**
 * What a caller says about a subscription: `SubscriptionData`, or a whole `Subscription` of these very ids.
 *
 * @throws RuthError `BAD_CAMERA_ID`, `BAD_MODEL_ID`, `BAD_SUBSCRIPTION`, `BAD_DESIRED_FPS`, `BAD_CONFIGURATION`
 */
export function readSubscriptionData(cameraId: string, modelId: string, data: unknown): SaidData {
  // The ids are checked where they are looked up: with no data there is nothing that could run code before that.
  if (data === undefined) return NOTHING_SAID;
  checkCameraId(cameraId);
  checkModelId(modelId);
  const fields = readingAs('BAD_SUBSCRIPTION', () =>
    readFields(data, `the data of model ${modelId} on camera ${cameraId}`, FIELDS),
  );
  if (isOther(fields.cameraId, cameraId) || isOther(fields.modelId, modelId)) {
    throw new RuthError(
      'BAD_SUBSCRIPTION',
      `model ${modelId} on camera ${cameraId} is given the subscription of ` +
        `model ${quoted(fields.modelId)} on camera ${quoted(fields.cameraId)}`,
    );
  }
  return readData(fields);
}

/**
 * A subscription as it was once handed out: all its fields and no other.
 *
 * @throws RuthError `code` for anything else; `BAD_CAMERA_ID`, `BAD_MODEL_ID`, `BAD_DESIRED_FPS`, `BAD_CONFIGURATION`
 */
export function readSubscription(value: unknown, code: 'BAD_CHANGE' | 'BAD_SNAPSHOT'): Subscription {
  const fields = readingAs(code, () => readAllFields(value, 'the subscription', FIELDS));
  const { cameraId, modelId } = fields;
  checkCameraId(cameraId);
  checkModelId(modelId);
  const { desiredFps, configuration } = readData(fields);
  if (desiredFps === undefined || configuration === undefined) {
    throw new RuthError(code, 'not plain data: a field of the subscription is undefined');
  }
  return Object.freeze({ cameraId, modelId, desiredFps, configuration });
}

/** The subscription with what a caller said, and what stands `otherwise` where they said nothing. Frozen. */
export function subscriptionOf(
  cameraId: string,
  modelId: string,
  { desiredFps, configuration }: SaidData,
  otherwise?: Subscription,
): Subscription {
  return Object.freeze({
    cameraId,
    modelId,
    desiredFps: desiredFps === undefined ? (otherwise?.desiredFps ?? null) : desiredFps,
    configuration: configuration === undefined ? (otherwise?.configuration ?? null) : configuration,
  });
}

function readData({ desiredFps, configuration }: Partial<Record<keyof SaidData, unknown>>): SaidData {
  if (desiredFps !== undefined && desiredFps !== null && !isRate(desiredFps)) {
    throw new RuthError(
      'BAD_DESIRED_FPS',
      `desired rate ${quoted(desiredFps)} is not a finite positive number`,
    );
  }
  if (configuration === undefined) return { desiredFps, configuration };
  const copied = readingAs('BAD_CONFIGURATION', () => copyPlainData(configuration, 'configuration'));
  return { desiredFps, configuration: copied };
}

function isOther(said: unknown, id: string): boolean {
  return said !== undefined && said !== id;
}

function isRate(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}
