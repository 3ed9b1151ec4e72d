/** The same state model written as naively as possible: no indices, no sharing, every answer computed anew. */
import type {
  AgentLifecycle,
  FrameSourceRef,
  Operation,
  PlainData,
  StreamAgent,
  Subscription,
  SubscriptionData,
} from '@vas/ruth-core';

/** One call of an operation, by its name. */
export interface Step {
  readonly operation: Operation;
  readonly args: readonly unknown[];
}

interface NaiveAgent {
  lifecycle: AgentLifecycle;
  frameSource: FrameSourceRef | null;
  subscriptions: Record<string, Data>;
}

interface Data {
  desiredFps: number | null;
  configuration: PlainData;
}

const NOTHING: Data = { desiredFps: null, configuration: null };

function said(base: Data, { desiredFps, configuration }: SubscriptionData): Data {
  const next = { ...base };
  if (desiredFps !== undefined) next.desiredFps = desiredFps;
  if (configuration !== undefined) next.configuration = configuration;
  return next;
}

/** Malformed on purpose; everything else that the tests use is well formed. */
export const BAD_IDS: readonly unknown[] = ['', '.hidden', 'a/../b c', '\u0441am', 'x'.repeat(256), 7, null];
export const BAD_RATES: readonly unknown[] = [0, -1, NaN, Infinity, '25', true];

/** Every operation answers with its outcome, or with the code of its error. */
export class NaiveModel {
  agents: Record<string, NaiveAgent> = {};

  perform({ operation, args }: Step): string {
    const before = structuredCopy(this.agents);
    const answer = (this[operation] as (...args: unknown[]) => string).apply(this, [...args]);
    if (/^[A-Z]/.test(answer)) this.agents = before;
    return answer;
  }

  ensureAgent(camera: string): string {
    if (BAD_IDS.includes(camera)) return 'BAD_CAMERA_ID';
    const agent = this.agents[camera];
    if (agent?.lifecycle === 'stopped') return 'AGENT_STOPPED';
    if (agent) return 'already-there';
    this.agents[camera] = { lifecycle: 'created', frameSource: null, subscriptions: {} };
    return 'added';
  }

  startAgent(camera: string): string {
    if (BAD_IDS.includes(camera)) return 'BAD_CAMERA_ID';
    const agent = this.agents[camera];
    if (!agent) return 'AGENT_ABSENT';
    if (agent.lifecycle === 'stopped') return 'AGENT_STOPPED';
    if (agent.lifecycle === 'running') return 'already-running';
    agent.lifecycle = 'running';
    return 'started';
  }

  stopAgent(camera: string): string {
    if (BAD_IDS.includes(camera)) return 'BAD_CAMERA_ID';
    const agent = this.agents[camera];
    if (!agent) return 'AGENT_ABSENT';
    if (agent.lifecycle === 'created') return 'AGENT_NOT_STARTED';
    if (agent.lifecycle === 'stopped') return 'already-stopped';
    agent.lifecycle = 'stopped';
    return 'stopped';
  }

  removeAgent(camera: string): string {
    if (this.agents[camera]?.lifecycle === 'running') return 'AGENT_RUNNING';
    return this.removeCamera(camera);
  }

  removeCamera(camera: string): string {
    if (BAD_IDS.includes(camera)) return 'BAD_CAMERA_ID';
    if (!this.agents[camera]) return 'not-there';
    this.agents = Object.fromEntries(Object.entries(this.agents).filter(([id]) => id !== camera));
    return 'removed';
  }

  addSubscription(camera: string, model: string, data: SubscriptionData = {}): string {
    const malformed = this.#malformed(camera, model, data);
    if (malformed) return malformed;
    const agent = this.agents[camera];
    if (!agent) return 'AGENT_ABSENT';
    if (agent.lifecycle === 'stopped') return 'AGENT_STOPPED';
    if (agent.subscriptions[model]) return 'already-there';
    agent.subscriptions[model] = said(NOTHING, data);
    return 'added';
  }

  replaceSubscription(camera: string, model: string, data: SubscriptionData = {}): string {
    return this.#give(camera, model, data, () => NOTHING);
  }

  updateSubscription(camera: string, model: string, data: SubscriptionData = {}): string {
    return this.#give(camera, model, data, (previous) => previous);
  }

  #give(camera: string, model: string, data: SubscriptionData, base: (previous: Data) => Data): string {
    const malformed = this.#malformed(camera, model, data);
    if (malformed) return malformed;
    const agent = this.agents[camera];
    if (!agent) return 'not-there';
    if (agent.lifecycle === 'stopped') return 'AGENT_STOPPED';
    const previous = agent.subscriptions[model];
    if (!previous) return 'not-there';
    const next = said(base(previous), data);
    if (JSON.stringify(previous) === JSON.stringify(next)) return 'already-there';
    agent.subscriptions[model] = next;
    return 'replaced';
  }

  removeSubscription(camera: string, model: string): string {
    const malformed = this.#malformed(camera, model, {});
    if (malformed) return malformed;
    const subscriptions = this.agents[camera]?.subscriptions ?? {};
    if (!subscriptions[model]) return 'not-there';
    Reflect.deleteProperty(subscriptions, model);
    return 'removed';
  }

  removeModel(model: string): string {
    if (BAD_IDS.includes(model)) return 'BAD_MODEL_ID';
    const cameras = this.camerasOf(model);
    for (const camera of cameras) this.removeSubscription(camera, model);
    return cameras.length > 0 ? 'removed' : 'not-there';
  }

  bindFrameSource(source: FrameSourceRef): string {
    if (BAD_IDS.includes(source.cameraId)) return 'BAD_CAMERA_ID';
    if (!source.path.startsWith('/') || source.layoutVersion < 1) return 'BAD_FRAME_SOURCE';
    const agent = this.agents[source.cameraId];
    if (!agent) return 'AGENT_ABSENT';
    if (agent.lifecycle === 'stopped') return 'AGENT_STOPPED';
    const previous = agent.frameSource;
    agent.frameSource = source;
    if (!previous) return 'added';
    const isEqual = previous.path === source.path && previous.layoutVersion === source.layoutVersion;
    return isEqual ? 'already-there' : 'replaced';
  }

  unbindFrameSource(camera: string): string {
    if (BAD_IDS.includes(camera)) return 'BAD_CAMERA_ID';
    const agent = this.agents[camera];
    if (!agent?.frameSource) return 'not-there';
    agent.frameSource = null;
    return 'removed';
  }

  agent(camera: string): StreamAgent {
    const agent = this.agents[camera];
    if (!agent) throw new Error(`camera ${camera} has no agent`);
    const { lifecycle, frameSource, subscriptions } = agent;
    return {
      streamAgentId: camera,
      cameraId: camera,
      lifecycle,
      frameSource,
      subscriptions: Object.keys(subscriptions)
        .sort()
        .map((model) => ({ cameraId: camera, modelId: model, ...subscriptions[model] }) as Subscription),
    };
  }

  snapshot(): { agents: StreamAgent[] } {
    return {
      agents: Object.keys(this.agents)
        .sort()
        .map((camera) => this.agent(camera)),
    };
  }

  camerasOf(model: string): string[] {
    return Object.keys(this.agents)
      .sort()
      .filter((camera) => this.agents[camera]?.subscriptions[model]);
  }

  #malformed(camera: unknown, model: unknown, data: SubscriptionData): string | null {
    if (BAD_IDS.includes(camera)) return 'BAD_CAMERA_ID';
    if (BAD_IDS.includes(model)) return 'BAD_MODEL_ID';
    return BAD_RATES.includes(data.desiredFps) ? 'BAD_DESIRED_FPS' : null;
  }
}

function structuredCopy<T>(data: T): T {
  return JSON.parse(JSON.stringify(data)) as T;
}
