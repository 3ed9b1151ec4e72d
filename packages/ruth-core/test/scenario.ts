/**
 * The test scenario of the package: every operation in every state, every question, every refusal. It uses nothing
 * but ECMAScript, so that it runs under vitest and, whole, in a realm that has neither clock nor host.
 */
import { assert, assertCode, assertDeeplyFrozen, assertSame, codeOf } from './assert.js';
import { assertEquivalent, Keepsakes, step } from './compare.js';
import { BAD_IDS, BAD_RATES, NaiveModel, type Step } from './naive-model.js';
import {
  lifecycleTable,
  RuthError,
  RuthState,
  type AgentState,
  type Change,
  type FrameSourceRef,
  type Operation,
  type PlainData,
  type RuthErrorCode,
  type Snapshot,
} from '@vas/ruth-core';

const SOURCE: FrameSourceRef = { cameraId: 'door', path: '/dev/shm/vas/door', layoutVersion: 1 };
const STATES: readonly AgentState[] = ['absent', 'created', 'running', 'stopped'];

/** A state in which camera `door` stands as asked, with one subscription and a source where it has an agent. */
function doorIn(lifecycle: AgentState): RuthState {
  const state = new RuthState();
  if (lifecycle === 'absent') return state;
  state.ensureAgent('door');
  state.addSubscription('door', 'yolo');
  state.bindFrameSource(SOURCE);
  if (lifecycle !== 'created') state.startAgent('door');
  if (lifecycle === 'stopped') state.stopAgent('door');
  return state;
}

/** Each operation once on `door`, as far as possible such that it changes something. */
const CALLS: Readonly<Record<Operation, (state: RuthState) => { readonly outcome: string }>> = {
  ensureAgent: (state) => state.ensureAgent('door'),
  startAgent: (state) => state.startAgent('door'),
  stopAgent: (state) => state.stopAgent('door'),
  removeAgent: (state) => state.removeAgent('door'),
  removeCamera: (state) => state.removeCamera('door'),
  addSubscription: (state) => state.addSubscription('door', 'faces'),
  replaceSubscription: (state) => state.replaceSubscription('door', 'yolo', { desiredFps: 5 }),
  updateSubscription: (state) => state.updateSubscription('door', 'yolo', { desiredFps: 5 }),
  removeSubscription: (state) => state.removeSubscription('door', 'yolo'),
  removeModel: (state) => state.removeModel('yolo'),
  bindFrameSource: (state) => state.bindFrameSource({ ...SOURCE, layoutVersion: 2 }),
  unbindFrameSource: (state) => state.unbindFrameSource('door'),
};

/** What each call comes to, by the state before it, written out by hand. */
const ANSWERS: Readonly<Record<Operation, readonly [string, string, string, string]>> = {
  ensureAgent: ['added', 'already-there', 'already-there', 'AGENT_STOPPED'],
  startAgent: ['AGENT_ABSENT', 'started', 'already-running', 'AGENT_STOPPED'],
  stopAgent: ['AGENT_ABSENT', 'AGENT_NOT_STARTED', 'stopped', 'already-stopped'],
  removeAgent: ['not-there', 'removed', 'AGENT_RUNNING', 'removed'],
  removeCamera: ['not-there', 'removed', 'removed', 'removed'],
  addSubscription: ['AGENT_ABSENT', 'added', 'added', 'AGENT_STOPPED'],
  replaceSubscription: ['not-there', 'replaced', 'replaced', 'AGENT_STOPPED'],
  updateSubscription: ['not-there', 'replaced', 'replaced', 'AGENT_STOPPED'],
  removeSubscription: ['not-there', 'removed', 'removed', 'removed'],
  removeModel: ['not-there', 'removed', 'removed', 'removed'],
  bindFrameSource: ['AGENT_ABSENT', 'replaced', 'replaced', 'AGENT_STOPPED'],
  unbindFrameSource: ['not-there', 'removed', 'removed', 'removed'],
};

function viaJson<T>(data: T): T {
  return JSON.parse(JSON.stringify(data)) as T;
}

function lookOf(state: RuthState): string {
  return JSON.stringify([state.snapshot(), state.counts(), state.camerasOf('yolo')]);
}

/** Every check by the sentence that it proves. */
export const scenario: Readonly<Record<string, () => void>> = {
  'P3.9: every operation does in every state what the lifecycle table says, and a refusal changes nothing'() {
    for (const operation of Object.keys(lifecycleTable) as Operation[]) {
      STATES.forEach((before, index) => {
        const state = doorIn(before);
        const look = lookOf(state);
        const code = codeOf(() => {
          assertSame(CALLS[operation](state).outcome, ANSWERS[operation][index]);
        });
        const isRefused = lifecycleTable[operation][before] === 'refused';
        assertSame(code, isRefused ? ANSWERS[operation][index] : 'no error');
        assertSame(
          state.agent('door')?.lifecycle ?? 'absent',
          isRefused ? before : lifecycleTable[operation][before],
        );
        if (isRefused) assertSame(lookOf(state), look);
      });
    }
  },

  'P3.9: the lifecycle goes from created to running to stopped, and nowhere else'() {
    const steps = new Set<string>();
    for (const row of Object.values(lifecycleTable)) {
      for (const before of STATES) if (row[before] !== before) steps.add(`${before} ${row[before]}`);
    }
    const between = [...steps].filter((step) => !/absent|refused/.test(step)).sort();
    assertSame(between, ['created running', 'running stopped']);
    assert(
      steps.has('absent created') && !steps.has('absent running') && !steps.has('absent stopped'),
      'one start',
    );
    assertDeeplyFrozen(lifecycleTable);
  },

  'P3.1: a camera has exactly one stream agent, and its id is the id of the camera'() {
    const state = new RuthState();
    assertSame(state.ensureAgent('door'), {
      outcome: 'added',
      changes: [{ revision: 1, kind: 'agent-added', cameraId: 'door' }],
    });
    const agent = state.agent('door');
    assertSame(agent, {
      streamAgentId: 'door',
      cameraId: 'door',
      lifecycle: 'created',
      frameSource: null,
      subscriptions: [],
    });
    assertSame(state.ensureAgent('door'), { outcome: 'already-there', changes: [] });
    assert(state.agent('door') === agent, 'the same agent');
    assertSame(state.counts(), { agents: 1, subscriptions: 0, models: 0 });
  },

  'P3.1: the camera of a stopped agent can be given a new one that starts from nothing'() {
    const state = doorIn('stopped');
    assertSame(
      state.removeAgent('door').changes.map(({ kind }) => kind),
      ['subscription-removed', 'frame-source-unbound', 'agent-removed'],
    );
    assertSame(state.ensureAgent('door').outcome, 'added');
    assertSame(state.agent('door')?.lifecycle, 'created');
    assertSame(state.agent('door')?.subscriptions, []);
    assertSame(state.camerasOf('yolo'), []);
    assertSame(state.startAgent('door').outcome, 'started');
  },

  'P3.2: a subscription is a camera and a model, and carries both'() {
    const state = new RuthState();
    state.ensureAgent('door');
    state.ensureAgent('yard');
    const added = state.addSubscription('door', 'yolo', { desiredFps: 5, configuration: { zones: [1, 2] } });
    const subscription = {
      cameraId: 'door',
      modelId: 'yolo',
      desiredFps: 5,
      configuration: { zones: [1, 2] },
    };
    assertSame(added, {
      outcome: 'added',
      changes: [{ revision: 3, kind: 'subscription-added', subscription }],
    });
    assertSame(state.subscription('door', 'yolo'), subscription);
    assertSame(state.subscription('yard', 'yolo'), undefined);
    state.addSubscription('yard', 'yolo');
    state.addSubscription('door', 'faces');
    assertSame(state.camerasOf('yolo'), ['door', 'yard']);
    assertSame(
      state.subscriptionsOf('door').map(({ modelId }) => modelId),
      ['faces', 'yolo'],
    );
    assertSame(state.counts(), { agents: 2, subscriptions: 3, models: 2 });
  },

  'P3.3: adding what exists and removing what is absent are outcomes that change nothing'() {
    const state = doorIn('running');
    const look = lookOf(state);
    assertSame(state.addSubscription('door', 'yolo', { desiredFps: 9 }), {
      outcome: 'already-there',
      changes: [],
    });
    assertSame(state.replaceSubscription('door', 'yolo', {}), { outcome: 'already-there', changes: [] });
    assertSame(state.replaceSubscription('door', 'faces', {}), { outcome: 'not-there', changes: [] });
    assertSame(state.removeSubscription('door', 'faces'), { outcome: 'not-there', changes: [] });
    assertSame(state.removeModel('faces'), { outcome: 'not-there', changes: [] });
    assertSame(state.removeCamera('yard'), { outcome: 'not-there', changes: [] });
    assertSame(state.bindFrameSource({ ...SOURCE }), { outcome: 'already-there', changes: [] });
    assertSame(state.unbindFrameSource('yard'), { outcome: 'not-there', changes: [] });
    assertSame(lookOf(state), look);
  },

  'P3.3: a model can be detached from all its cameras, and a camera from all its models, at once'() {
    const state = new RuthState();
    for (const cameraId of ['yard', 'door', 'gate']) {
      state.ensureAgent(cameraId);
      for (const modelId of ['yolo', 'faces']) state.addSubscription(cameraId, modelId);
    }
    const { changes } = state.removeModel('yolo');
    assertSame(
      changes.map(({ subscription }) => subscription.cameraId),
      ['door', 'gate', 'yard'],
    );
    assertSame(state.camerasOf('yolo'), []);
    assertSame(state.removeCamera('gate').outcome, 'removed');
    assertSame(state.camerasOf('faces'), ['door', 'yard']);
    assertSame(state.counts(), { agents: 2, subscriptions: 2, models: 1 });
  },

  'P3.3: the cameras of a model are right in whatever order they go'() {
    const ids = ['door', 'gate', 'roof', 'yard'];
    for (const first of ids) {
      for (const second of ids) {
        for (const third of ids) {
          const state = new RuthState();
          for (const cameraId of ids) {
            state.ensureAgent(cameraId);
            state.addSubscription(cameraId, 'yolo');
          }
          const left = new Set(ids);
          for (const cameraId of [first, second, third]) {
            const outcome = left.delete(cameraId) ? 'removed' : 'not-there';
            assertSame(state.removeSubscription(cameraId, 'yolo').outcome, outcome);
            assertSame(state.camerasOf('yolo'), [...left]);
          }
          state.addSubscription(first, 'yolo');
          left.add(first);
          assertSame(
            state.removeModel('yolo').changes.map(({ subscription }) => subscription.cameraId),
            [...left].sort(),
          );
          assertSame(state.counts(), { agents: 4, subscriptions: 0, models: 0 });
        }
      }
    }
  },

  'P3.3: a long list of cameras is right after few changes and after many, and the one before it stays'() {
    const keepsakes = new Keepsakes();
    const state = new RuthState();
    const ids = Array.from({ length: 200 }, (_, index) => `camera-${index}`);
    const attached = new Set<string>();
    const toggle = (cameraId: string): void => {
      if (attached.delete(cameraId)) state.removeSubscription(cameraId, 'yolo');
      else {
        attached.add(cameraId);
        state.addSubscription(cameraId, 'yolo');
      }
    };
    for (const cameraId of ids) {
      state.ensureAgent(cameraId);
      state.addSubscription(cameraId, 'faces');
      toggle(cameraId);
    }
    for (const count of [0, 1, 2, 20, 21, 30, 150, 1, 151, 5]) {
      const changing = [...ids.slice(-1), ...ids.slice(0, 1), ...ids.slice(50, -1)].slice(0, count);
      changing.forEach(toggle);
      const cameras = state.camerasOf('yolo');
      assertSame(cameras, [...attached].sort());
      assert(state.camerasOf('yolo') === cameras, 'the same list as long as nothing changes');
      keepsakes.keep(cameras);
    }
    toggle('camera-7');
    assertSame(state.removeModel('yolo').changes.length, attached.size);
    assertSame(state.camerasOf('yolo'), []);
    assertSame(state.camerasOf('faces'), [...ids].sort());
    assertSame(state.counts(), { agents: 200, subscriptions: 200, models: 1 });
    keepsakes.assertUnchanged();
  },

  'P3.4: a frame source is noted, replaced and forgotten, as given'() {
    const state = new RuthState();
    state.ensureAgent('door');
    assertSame(state.bindFrameSource(SOURCE), {
      outcome: 'added',
      changes: [{ revision: 2, kind: 'frame-source-bound', frameSource: SOURCE, previous: null }],
    });
    const moved = { ...SOURCE, path: '/dev/shm/elsewhere/door' };
    assertSame(state.bindFrameSource(moved).changes, [
      { revision: 3, kind: 'frame-source-bound', frameSource: moved, previous: SOURCE },
    ]);
    assertSame(state.agent('door')?.frameSource, moved);
    assertSame(state.unbindFrameSource('door').changes, [
      { revision: 4, kind: 'frame-source-unbound', frameSource: moved },
    ]);
    assertSame(state.agent('door')?.frameSource, null);
  },

  'P3.9: malformed ids are errors in every operation and every question'() {
    const state = doorIn('running');
    const look = lookOf(state);
    for (const bad of [
      ...BAD_IDS,
      'x'.repeat(65),
      'a/b',
      undefined,
      {},
      ['door'],
      1n,
      Symbol('door'),
    ] as string[]) {
      for (const attempt of [
        () => state.ensureAgent(bad),
        () => state.startAgent(bad),
        () => state.stopAgent(bad),
        () => state.removeAgent(bad),
        () => state.removeCamera(bad),
        () => state.addSubscription(bad, 'yolo'),
        () => state.replaceSubscription(bad, 'yolo'),
        () => state.removeSubscription(bad, 'yolo'),
        () => state.bindFrameSource({ ...SOURCE, cameraId: bad }),
        () => state.unbindFrameSource(bad),
        () => state.agent(bad),
        () => state.subscription(bad, 'yolo'),
        () => state.subscriptionsOf(bad),
      ]) {
        const isSource = codeOf(attempt) === 'BAD_FRAME_SOURCE';
        assertCode(
          attempt,
          isSource && ['undefined', 'bigint', 'symbol'].includes(typeof bad)
            ? 'BAD_FRAME_SOURCE'
            : 'BAD_CAMERA_ID',
        );
      }
    }
    for (const bad of [...BAD_IDS, '/yolo', '-yolo', 'yolo v8', undefined, {}, ['yolo'], 1n] as string[]) {
      for (const attempt of [
        () => state.addSubscription('door', bad),
        () => state.replaceSubscription('door', bad),
        () => state.removeSubscription('door', bad),
        () => state.removeModel(bad),
        () => state.subscription('door', bad),
        () => state.camerasOf(bad),
      ]) {
        assertCode(attempt, 'BAD_MODEL_ID');
      }
    }
    assertSame(lookOf(state), look);
  },

  'P3.2: names that mean something to JavaScript are ordinary ids'() {
    const state = new RuthState();
    const model = 'registry:5000/org/yolo_v8-x@sha256:0+cu';
    for (const cameraId of ['__proto__', 'constructor', 'x'.repeat(64), '0']) {
      assertSame(state.agent(cameraId), undefined);
      assertSame(state.ensureAgent(cameraId).outcome, 'added');
      for (const modelId of ['__proto__', 'hasOwnProperty', model, 'y'.repeat(255)]) {
        assertSame(state.addSubscription(cameraId, modelId).outcome, 'added');
      }
    }
    assertSame(state.camerasOf(model), ['0', '__proto__', 'constructor', 'x'.repeat(64)]);
  },

  'P3.7: a desired rate is a finite positive number, stored as given and never acted on'() {
    const state = doorIn('running');
    const look = lookOf(state);
    for (const bad of [...BAD_RATES, -0, -Infinity, 5n, [5], {}] as number[]) {
      assertCode(() => state.addSubscription('door', 'faces', { desiredFps: bad }), 'BAD_DESIRED_FPS');
      assertCode(() => state.replaceSubscription('door', 'yolo', { desiredFps: bad }), 'BAD_DESIRED_FPS');
    }
    assertSame(lookOf(state), look);
    for (const good of [5e-324, 0.1, 29.97, 1e308]) {
      state.replaceSubscription('door', 'yolo', { desiredFps: good });
      assertSame(state.subscription('door', 'yolo')?.desiredFps, good);
    }
    assertCode(() => state.addSubscription('door', 'faces', { desiredFPS: 5 } as object), 'BAD_SUBSCRIPTION');
    for (const bad of [null, 5, 'fast', [], () => 5]) {
      assertCode(() => state.addSubscription('door', 'faces', bad as object), 'BAD_SUBSCRIPTION');
    }
  },

  'P3.7: a configuration is plain data, and anything else is refused'() {
    const state = doorIn('running');
    const look = lookOf(state);
    class Zone {
      readonly name = 'north';
    }
    const cycle: unknown[] = [];
    cycle.push({ cycle });
    const hidden = Object.defineProperty({}, 'secret', { value: 1, enumerable: false });
    const accessor = {
      get now(): number {
        throw new Error('an accessor was run');
      },
    };
    let shared: PlainData = [1];
    for (let depth = 0; depth < 30; depth += 1) shared = [shared, shared];
    const deep = (levels: number): PlainData => (levels === 0 ? 1 : [deep(levels - 1)]);
    const throwing = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('not to be read');
        },
      },
    );
    const refused: readonly unknown[] = [
      ...[undefined, () => 1, Symbol('s'), 5n, NaN, -Infinity].flatMap((bad) => [
        bad,
        [bad],
        { a: { b: bad } },
      ]),
      ...[
        new Zone(),
        new Map(),
        new Set(),
        /x/,
        new Error('x'),
        Object(1) as object,
        Object.create({ a: 1 }) as object,
      ],
      ...[cycle, hidden, accessor, shared, deep(33), Object.assign([1], { a: 1 }), new Array(3)],
      ...[
        { [Symbol('s')]: 1 },
        JSON.parse('{"__proto__": {"a": 1}}') as unknown,
        class extends Array {},
        JSON,
        throwing,
      ],
      new (class List extends Array {})(),
      new Array(10_001).fill(0),
    ];
    for (const bad of refused) {
      if (bad === undefined) continue;
      assertCode(
        () => state.addSubscription('door', 'faces', { configuration: bad as PlainData }),
        'BAD_CONFIGURATION',
      );
    }
    assertSame(lookOf(state), look);
    const accepted = [
      null,
      true,
      '',
      'x',
      1e-7,
      [],
      {},
      [[]],
      { a: { b: [null, 'c'] }, constructor: 1 },
      deep(32),
    ];
    accepted.forEach((configuration, index) => {
      state.addSubscription('door', `accepted-${index}`, { configuration });
      assertSame(state.subscription('door', `accepted-${index}`)?.configuration, configuration);
    });
    state.addSubscription('door', 'zero', { configuration: [-0, Object.create(null) as PlainData] });
    assertSame(state.subscription('door', 'zero')?.configuration, [0, {}]);
  },

  'P3.4: a malformed frame source is an error that changes nothing'() {
    const state = doorIn('running');
    const look = lookOf(state);
    for (const bad of [
      ...[null, 'door', [], {}, { ...SOURCE, open: true }, { ...SOURCE, layoutVersion: undefined }],
      ...['', 'door', './door', '/a\0b', `/${'x'.repeat(4095)}`, 5, null].map((path) => ({
        ...SOURCE,
        path,
      })),
      ...[0, -1, 1.5, NaN, 2 ** 32, '1', true].map((layoutVersion) => ({ ...SOURCE, layoutVersion })),
    ]) {
      const isIdMissing =
        typeof bad === 'object' && bad !== null && !Array.isArray(bad) && !('cameraId' in bad);
      assertCode(
        () => state.bindFrameSource(bad as FrameSourceRef),
        isIdMissing ? 'BAD_CAMERA_ID' : 'BAD_FRAME_SOURCE',
      );
    }
    assertSame(lookOf(state), look);
  },

  'P3.3: what the caller passed is copied, and what was handed out never changes'() {
    const keepsakes = new Keepsakes();
    const state = doorIn('running');
    const zones = [{ name: 'north' }];
    const data = { desiredFps: 5, configuration: { zones } };
    const source = { ...SOURCE, path: '/moved' };
    keepsakes.keep(state.addSubscription('door', 'faces', data));
    keepsakes.keep(state.bindFrameSource(source));
    zones.push({ name: 'south' });
    data.desiredFps = 6;
    source.path = '/changed';
    assertSame(state.subscription('door', 'faces')?.configuration, { zones: [{ name: 'north' }] });
    assertSame(state.subscription('door', 'faces')?.desiredFps, 5);
    assertSame(state.agent('door')?.frameSource?.path, '/moved');
    for (const value of [state.snapshot(), state.agent('door'), state.subscriptionsOf('door')])
      keepsakes.keep(value);
    for (const value of [state.camerasOf('faces'), state.counts(), state.subscriptionsOf('yard')])
      keepsakes.keep(value);
    keepsakes.keep(state.removeCamera('door'));
    keepsakes.assertUnchanged();
    assertSame(state.snapshot(), { formatVersion: 1, revision: state.revision, agents: [] });
  },

  'P3.3: a snapshot shares with the one before it all that did not change'() {
    const state = new RuthState();
    for (let index = 0; index < 200; index += 1) {
      state.ensureAgent(`camera-${index}`);
      state.addSubscription(`camera-${index}`, 'yolo');
    }
    const before = state.snapshot();
    assert(state.snapshot() === before, 'no change, same snapshot');
    state.removeSubscription('camera-7', 'yolo');
    const after = state.snapshot();
    assertSame(
      after.agents.filter((agent, index) => agent !== before.agents[index]).map(({ cameraId }) => cameraId),
      ['camera-7'],
    );
  },

  'P3.3: lists are in the order of their ids, whatever order things came in'() {
    const ids = ['b', 'B', 'a-1', 'a.1', 'a1', '10', '9', '_', 'a'];
    const states = [ids, [...ids].reverse()].map((order) => {
      const state = new RuthState();
      for (const id of order) state.ensureAgent(id);
      for (const id of order) for (const other of order) state.addSubscription(id, `m${other}`);
      return state;
    });
    const [one, other] = states as [RuthState, RuthState];
    assertSame(one.snapshot(), other.snapshot());
    assertSame(one.camerasOf('ma'), ['10', '9', 'B', '_', 'a', 'a-1', 'a.1', 'a1', 'b']);
    assertSame(
      one.snapshot().agents.map(({ cameraId }) => cameraId),
      one.camerasOf('ma'),
    );
    assertSame(
      one.subscriptionsOf('9').map(({ modelId }) => modelId.slice(1)),
      one.camerasOf('ma'),
    );
  },

  'P3.9: a change that cannot happen to the state is refused and changes nothing'() {
    const state = doorIn('running');
    const look = lookOf(state);
    const subscription = { cameraId: 'door', modelId: 'yolo', desiredFps: null, configuration: null };
    const cases: readonly [unknown, RuthErrorCode][] = [
      [{ kind: 'agent-added', cameraId: 'door' }, 'CHANGE_DOES_NOT_FOLLOW'],
      [{ kind: 'agent-started', cameraId: 'door' }, 'CHANGE_DOES_NOT_FOLLOW'],
      [{ kind: 'agent-removed', cameraId: 'door' }, 'CHANGE_DOES_NOT_FOLLOW'],
      [{ kind: 'agent-stopped', cameraId: 'door', at: 1 }, 'BAD_CHANGE'],
      [{ kind: 'agent-stopped', cameraId: 'door', previous: null }, 'BAD_CHANGE'],
      [{ kind: 'agent-started', cameraId: 'yard' }, 'AGENT_ABSENT'],
      [{ kind: 'agent-started', cameraId: '' }, 'BAD_CAMERA_ID'],
      [{ kind: 'subscription-added', subscription }, 'CHANGE_DOES_NOT_FOLLOW'],
      [
        { kind: 'subscription-removed', subscription: { ...subscription, desiredFps: 5 } },
        'CHANGE_DOES_NOT_FOLLOW',
      ],
      [
        { kind: 'subscription-removed', subscription: { ...subscription, modelId: 'x' } },
        'CHANGE_DOES_NOT_FOLLOW',
      ],
      [
        {
          kind: 'subscription-replaced',
          subscription: { ...subscription, desiredFps: 5 },
          previous: { ...subscription, desiredFps: 4 },
        },
        'CHANGE_DOES_NOT_FOLLOW',
      ],
      [
        { kind: 'frame-source-bound', frameSource: { ...SOURCE, path: '/x' }, previous: null },
        'CHANGE_DOES_NOT_FOLLOW',
      ],
      [{ kind: 'frame-source-unbound', frameSource: { ...SOURCE, path: '/x' } }, 'CHANGE_DOES_NOT_FOLLOW'],
      [{ kind: 'subscription-added' }, 'BAD_CHANGE'],
      [{ kind: 'frame-source-bound', previous: null }, 'BAD_CHANGE'],
      [{ kind: 'frame-source-bound', frameSource: 5, previous: null }, 'BAD_FRAME_SOURCE'],
      [{ kind: 'frame-source-bound', frameSource: SOURCE, previous: {} }, 'BAD_CAMERA_ID'],
      [{ kind: 'subscription-added', subscription: { ...subscription, at: 1 } }, 'BAD_CHANGE'],
      [{ kind: 'subscription-added', subscription: { cameraId: 'door', modelId: 'x' } }, 'BAD_CHANGE'],
      [{ kind: 'subscription-added', subscription: { ...subscription, desiredFps: 0 } }, 'BAD_DESIRED_FPS'],
      [{ kind: 'constructor' }, 'BAD_CHANGE'],
      [{ kind: 'frame-source-unbound' }, 'BAD_CHANGE'],
      [{ kind: 'camera-painted', cameraId: 'door' }, 'BAD_CHANGE'],
      [null, 'BAD_CHANGE'],
      ['agent-added', 'BAD_CHANGE'],
    ];
    const revision = state.revision + 1;
    for (const [change, code] of cases) {
      const numbered: unknown =
        typeof change === 'object' && change !== null ? { revision, ...change } : change;
      assertCode(() => state.apply(numbered as Change), code);
    }
    for (const bad of [undefined, null, 0, -1, 1.5, '1', 2 ** 53, NaN, [1]]) {
      const change: unknown = { kind: 'agent-stopped', cameraId: 'door', revision: bad };
      assertCode(() => state.apply(change as Change), 'BAD_CHANGE');
    }
    assertSame(lookOf(state), look);
  },

  'P3.9: P3.11: a snapshot that contradicts itself, has an unknown field or another format is refused'() {
    const good = doorIn('running').snapshot();
    const [agent] = good.agents;
    const [subscription] = agent?.subscriptions ?? [];
    const withAgents = (...agents: unknown[]): unknown => ({ ...good, agents });
    const withSubscriptions = (...subscriptions: unknown[]): unknown =>
      withAgents({ ...agent, subscriptions });
    const refused: readonly [unknown, RuthErrorCode][] = [
      ...[
        ...[null, 5, {}, [], { ...good, agents: 5 }, { agents: good.agents }, withAgents(null)],
        ...[{ ...good, saved: 1 }, withAgents({ ...agent, at: 1 }), withAgents({ cameraId: 'door' })],
        ...[-1, 1.5, NaN, '1', null, undefined, 2 ** 53].map((revision) => ({ ...good, revision })),
        ...[withAgents(agent, agent), withAgents({ ...agent, streamAgentId: 'yard' })],
        ...[withAgents({ ...agent, lifecycle: 'paused' }), withAgents({ ...agent, subscriptions: null })],
        withAgents({ ...agent, frameSource: { ...SOURCE, cameraId: 'yard' } }),
        ...[withSubscriptions(subscription, subscription), withSubscriptions(null)],
        ...[{ cameraId: 'yard' }, { at: 1 }, { desiredFps: undefined }].map((wrong) =>
          withSubscriptions({ ...subscription, ...wrong }),
        ),
        { ...good, agents: new Array(3) },
      ].map((bad): [unknown, RuthErrorCode] => [bad, 'BAD_SNAPSHOT']),
      ...[0, 2, '1', null].map((formatVersion): [unknown, RuthErrorCode] => [
        { ...good, formatVersion },
        'UNKNOWN_SNAPSHOT_FORMAT',
      ]),
      [{ formatVersion: 2, cameras: [] }, 'UNKNOWN_SNAPSHOT_FORMAT'],
      [withSubscriptions({ ...subscription, desiredFps: 0 }), 'BAD_DESIRED_FPS'],
      [withAgents({ ...agent, frameSource: { ...SOURCE, at: 1 } }), 'BAD_FRAME_SOURCE'],
      [withAgents({ ...agent, cameraId: '..' }), 'BAD_CAMERA_ID'],
    ];
    for (const [snapshot, code] of refused)
      assertCode(() => RuthState.fromSnapshot(snapshot as Snapshot), code);
  },

  'P3.9: an error is an Error with a stable code and a sentence that says what to do'() {
    try {
      doorIn('stopped').startAgent('door');
    } catch (error) {
      assert(error instanceof RuthError, 'a RuthError');
      assertSame([error.code, error instanceof Error], ['AGENT_STOPPED', true]);
      assertSame(
        String(error),
        'RuthError: startAgent is refused: camera door has a stopped stream agent: remove it, then ensure a new one',
      );
      return;
    }
    assert(false, 'startAgent is refused');
  },

  "P3.10: code that runs in a caller's value finds and leaves a whole state: it runs before the operation"() {
    const meanwhile: readonly ((state: RuthState) => unknown)[] = [
      (state) => state.addSubscription('door', 'faces'),
      (state) => state.replaceSubscription('door', 'yolo', { desiredFps: 9 }),
      (state) => state.removeSubscription('door', 'yolo'),
      (state) => state.removeModel('yolo'),
      (state) => state.removeCamera('door'),
      (state) => state.stopAgent('door'),
      (state) => state.unbindFrameSource('door'),
      (state) => state.bindFrameSource({ ...SOURCE, path: '/moved' }),
      (state) => [state.removeCamera('door'), state.ensureAgent('door')],
      (state) => state.snapshot(),
    ];
    type Wrap = <T extends object>(value: T) => T;
    const nextChange = (state: RuthState, wrap: Wrap): Change => {
      const subscription = { cameraId: 'door', modelId: 'faces', desiredFps: 5, configuration: null };
      return wrap({
        kind: 'subscription-added',
        revision: state.revision + 1,
        subscription: wrap(subscription),
      });
    };
    const operations: readonly ((state: RuthState, wrap: Wrap) => unknown)[] = [
      (state, wrap) => state.addSubscription('door', 'faces', wrap({ desiredFps: 5 })),
      (state, wrap) => state.addSubscription('door', 'faces', { configuration: wrap([wrap({ a: 1 })]) }),
      (state, wrap) => state.replaceSubscription('door', 'yolo', wrap({ configuration: wrap({ a: 1 }) })),
      (state, wrap) => state.updateSubscription('door', 'yolo', wrap({ configuration: wrap({ a: 1 }) })),
      (state, wrap) => state.bindFrameSource(wrap({ ...SOURCE, layoutVersion: 2 })),
      (state, wrap) => state.apply(nextChange(state, wrap)),
    ];
    const answerOf = (attempt: () => unknown): unknown => {
      let answer: unknown;
      const code = codeOf(() => {
        answer = attempt();
      });
      return code === 'no error' ? answer : code;
    };
    let runs = 0;
    for (const operation of operations) {
      for (const call of meanwhile) {
        const state = doorIn('running');
        let isFirst = true;
        const run = (): void => {
          if (!isFirst) return;
          isFirst = false;
          runs += 1;
          call(state);
        };
        const wrap: Wrap = (value) =>
          new Proxy(value, {
            getPrototypeOf: (target) => (run(), Reflect.getPrototypeOf(target)),
            ownKeys: (target) => (run(), Reflect.ownKeys(target)),
            has: (target, key) => (run(), Reflect.has(target, key)),
            get: (target, key): unknown => (run(), Reflect.get(target, key)),
            getOwnPropertyDescriptor: (target, key) => (run(), Reflect.getOwnPropertyDescriptor(target, key)),
          });
        const answer = answerOf(() => operation(state, wrap));

        const expected = doorIn('running');
        const plain = doorIn('running');
        // The change is made for the state before: as is, it was numbered before the call that came between.
        call(expected);
        const numbered = operation === operations.at(-1) ? nextChange(plain, (value) => value) : null;
        assertSame(
          answer,
          answerOf(() =>
            numbered === null ? operation(expected, (value) => value) : expected.apply(numbered),
          ),
        );
        assertSame(lookOf(state), lookOf(expected));
        const again = RuthState.fromSnapshot(viaJson(state.snapshot()));
        assertSame(lookOf(again), lookOf(state));
      }
    }
    assertSame(runs, operations.length * meanwhile.length);
  },

  'P3.10: accessors are refused wherever they stand, and are not run'() {
    const state = doorIn('running');
    const look = lookOf(state);
    let runs = 0;
    const withAccessor = (value: object, key: string | number): object => {
      const copy: object = Array.isArray(value) ? [...(value as unknown[])] : { ...value };
      return Object.defineProperty(copy, key, { enumerable: true, get: () => (runs += 1) });
    };
    const { snapshot } = { snapshot: state.snapshot() };
    const subscription = state.subscription('door', 'yolo') as object;
    const [agent = {}] = snapshot.agents;
    const change = { kind: 'subscription-removed', revision: state.revision + 1, subscription };
    const attempts: readonly [() => unknown, RuthErrorCode][] = [
      ...['desiredFps', 'configuration', 'modelId', 'other'].map((key): [() => unknown, RuthErrorCode] => [
        () => state.addSubscription('door', 'faces', withAccessor({}, key)),
        'BAD_SUBSCRIPTION',
      ]),
      [
        () => state.updateSubscription('door', 'yolo', { configuration: [withAccessor({}, 'a')] as never }),
        'BAD_CONFIGURATION',
      ],
      [
        () => state.updateSubscription('door', 'yolo', { configuration: withAccessor([1], 0) as never }),
        'BAD_CONFIGURATION',
      ],
      ...['cameraId', 'path', 'layoutVersion'].map((key): [() => unknown, RuthErrorCode] => [
        () => state.bindFrameSource(withAccessor(SOURCE, key) as FrameSourceRef),
        'BAD_FRAME_SOURCE',
      ]),
      ...['kind', 'revision', 'subscription'].map((key): [() => unknown, RuthErrorCode] => [
        () => state.apply(withAccessor(change, key) as Change),
        'BAD_CHANGE',
      ]),
      [
        () => state.apply({ ...change, subscription: withAccessor(subscription, 'modelId') } as Change),
        'BAD_CHANGE',
      ],
      ...['formatVersion', 'revision', 'agents'].map((key): [() => unknown, RuthErrorCode] => [
        () => RuthState.fromSnapshot(withAccessor(snapshot, key) as Snapshot),
        'BAD_SNAPSHOT',
      ]),
      ...['cameraId', 'lifecycle', 'subscriptions'].map((key): [() => unknown, RuthErrorCode] => [
        () => RuthState.fromSnapshot({ ...snapshot, agents: [withAccessor(agent, key) as never] }),
        'BAD_SNAPSHOT',
      ]),
      [
        () => RuthState.fromSnapshot({ ...snapshot, agents: withAccessor(snapshot.agents, 0) as never }),
        'BAD_SNAPSHOT',
      ],
    ];
    for (const [attempt, code] of attempts) assertCode(attempt, code);
    assertSame([runs, lookOf(state)], [0, look]);
  },

  "P3.10: an error thrown by a caller's value leaves with the code of what was read, and nothing else of it"() {
    const state = doorIn('running');
    let runs = 0;
    const trap = (): never => {
      runs += 1;
      // Looks like an error of the state, and is none.
      state.ensureAgent('');
      throw new Error('not reached');
    };
    const hostile = new Proxy(new Error('hidden'), {
      get: () => (runs += 1),
      getPrototypeOf: () => ((runs += 1), null),
    });
    for (const thrown of [trap, () => hostile]) {
      const value = new Proxy(
        {},
        {
          getPrototypeOf() {
            throw thrown();
          },
        },
      );
      assertCode(() => state.addSubscription('door', 'faces', value), 'BAD_SUBSCRIPTION');
      assertCode(() => state.addSubscription('door', 'faces', { configuration: value }), 'BAD_CONFIGURATION');
      assertCode(() => state.bindFrameSource(value as FrameSourceRef), 'BAD_FRAME_SOURCE');
      assertCode(() => state.apply(value as Change), 'BAD_CHANGE');
      assertCode(() => RuthState.fromSnapshot(value as Snapshot), 'BAD_SNAPSHOT');
    }
    assertSame(runs, 5);
  },

  'P3.10: what lies beyond the bound of a configuration is not looked at'() {
    const state = doorIn('running');
    let reads = 0;
    const counted = (value: unknown[]): unknown =>
      new Proxy(value, {
        getOwnPropertyDescriptor(target, key) {
          reads += 1;
          return Reflect.getOwnPropertyDescriptor(target, key);
        },
        ownKeys(target) {
          reads += target.length;
          return Reflect.ownKeys(target);
        },
      });
    const long = counted(new Array(1_000_000));
    const shared = counted(new Array(4_000).fill(0));
    const attempts: readonly [unknown, number][] = [
      [long, 2],
      [[[long]], 2],
      [[shared, shared, shared], 20_000],
    ];
    for (const [bad, most] of attempts) {
      reads = 0;
      const configuration = bad as PlainData;
      assertCode(() => state.addSubscription('door', 'faces', { configuration }), 'BAD_CONFIGURATION');
      assert(reads <= most, `${reads} reads are at most ${most}`);
    }
    // Ten thousand values are taken, one more is not, however they are nested.
    for (const [inner, isTaken] of [
      [4_998, true],
      [4_999, false],
    ] as const) {
      const part: PlainData = new Array<number>(inner).fill(0);
      const configuration = [part, part, 0];
      const code = codeOf(() => state.replaceSubscription('door', 'yolo', { configuration }));
      assertSame(code, isTaken ? 'no error' : 'BAD_CONFIGURATION');
    }
  },

  'P3.11: a log that was not cut after its snapshot was written replays to the right state'() {
    const state = new RuthState();
    const log: Change[] = [];
    const keep = (changes: readonly Change[]): unknown => log.push(...changes);
    keep(state.ensureAgent('door').changes);
    keep(state.addSubscription('door', 'yolo', { desiredFps: 5 }).changes);
    keep(state.startAgent('door').changes);
    keep(state.removeCamera('door').changes);
    keep(state.ensureAgent('door').changes);
    const snapshot = state.snapshot();
    assertSame([state.revision, snapshot.revision], [6, 6]);
    keep(state.addSubscription('door', 'faces').changes);
    keep(state.removeCamera('door').changes);

    const restored = RuthState.fromSnapshot(viaJson(snapshot));
    assertSame(restored.revision, 6);
    assertSame(
      viaJson(log).map((change) => restored.apply(change).outcome),
      log.map(({ revision }) => (revision <= 6 ? 'already-applied' : 'applied')),
    );
    assertSame(restored.snapshot(), state.snapshot());
    // The state goes on where the log ends.
    assertSame(
      restored.ensureAgent('door').changes.map(({ revision }) => revision),
      [state.revision + 1],
    );
  },

  'P3.11: a log that ends in the middle of an operation leaves a state that goes on'() {
    const before = doorIn('running').snapshot();
    const { changes } = doorIn('running').removeCamera('door');
    assertSame(
      changes.map(({ kind }) => kind),
      ['subscription-removed', 'frame-source-unbound', 'agent-removed'],
    );
    for (let kept = 0; kept <= changes.length; kept += 1) {
      const state = RuthState.fromSnapshot(before);
      for (const change of changes.slice(0, kept)) state.apply(change);
      assertSame(state.counts().agents, kept < changes.length ? 1 : 0);
      state.removeCamera('door');
      assertSame(state.snapshot().agents, []);
      assertSame(state.revision, before.revision + changes.length);
    }
  },

  'P3.9: P3.11: an error of a replay names the change, its kind and its camera, and one of a snapshot the place'() {
    const messageOf = (attempt: () => unknown): string => {
      try {
        attempt();
      } catch (error) {
        if (error instanceof RuthError) return `${error.code}: ${error.message}`;
      }
      return 'no error of the state';
    };
    const state = doorIn('running');
    const [added] = doorIn('created').removeSubscription('door', 'yolo').changes;
    assert(added !== undefined, 'there is a change');
    const { subscription } = added;
    assertSame(
      messageOf(() => state.apply({ kind: 'subscription-added', revision: 5, subscription })),
      'CHANGE_DOES_NOT_FOLLOW: change 5 (subscription-added, camera door): ' +
        'it cannot happen to the state at revision 4 as it was recorded',
    );
    assertSame(
      messageOf(() => state.apply({ kind: 'agent-stopped', revision: 9, cameraId: 'door' })),
      'CHANGES_MISSING: change 9 (agent-stopped, camera door): the state is at revision 4: changes are missing',
    );
    assertSame(
      messageOf(() => state.apply({ kind: 'agent-started', revision: 5, cameraId: 'yard' })),
      'AGENT_ABSENT: change 5 (agent-started, camera yard): ' +
        'startAgent is refused: camera yard has no stream agent: ensure one first',
    );
    const bad = { kind: 'agent-started', revision: 5, cameraId: 'a/b' } as const;
    assert(
      messageOf(() => state.apply(bad)).startsWith('BAD_CAMERA_ID: change 5 (agent-started): '),
      'the change is named',
    );
    const snapshot = state.snapshot();
    const [agent] = snapshot.agents;
    assert(agent !== undefined, 'there is an agent');
    const broken = { ...agent, subscriptions: [subscription, { ...subscription, desiredFps: -1 }] };
    const yard = { ...agent, cameraId: 'yard', streamAgentId: 'yard', frameSource: null, subscriptions: [] };
    assertSame(
      messageOf(() => RuthState.fromSnapshot({ ...snapshot, agents: [yard, broken] })),
      'BAD_DESIRED_FPS: agents[1]: camera door: subscriptions[1]: ' +
        'desired rate -1 is not a finite positive number',
    );
    for (const [wrong, said] of [
      [{ formatVersion: 1, revision: 0 }, 'the snapshot has no field agents'],
      [{ ...snapshot, agents: {} }, 'the list of agents is not an array'],
      [
        { ...snapshot, agents: [{ ...agent, at: 5 }] },
        'agents[0]: not plain data: the agent has an unknown field at',
      ],
    ] as const) {
      const message = messageOf(() => RuthState.fromSnapshot(wrong as unknown as Snapshot));
      assert(message.startsWith('BAD_SNAPSHOT: ') && message.includes(said), message);
      assert(!/iterable|undefined|TypeError/.test(message), message);
    }
  },

  'P3.2: a subscription that was handed out can be handed back as data'() {
    const state = doorIn('running');
    state.replaceSubscription('door', 'yolo', { desiredFps: 5, configuration: { zone: 'gate' } });
    const subscription = state.subscription('door', 'yolo');
    assert(subscription !== undefined, 'there is a subscription');
    const { cameraId, modelId } = subscription;
    assertSame(state.replaceSubscription(cameraId, modelId, subscription).outcome, 'already-there');
    state.removeSubscription(cameraId, modelId);
    assertSame(state.addSubscription(cameraId, modelId, subscription).changes[0]?.subscription, subscription);
    assertSame(state.updateSubscription(cameraId, modelId, subscription).outcome, 'already-there');
    // Data of another camera or model is refused: what was meant cannot be known.
    for (const [camera, model] of [
      ['yard', 'yolo'],
      ['door', 'faces'],
    ] as const) {
      assertCode(() => state.addSubscription(camera, model, subscription), 'BAD_SUBSCRIPTION');
    }
  },

  'P3.3: an update keeps what it does not name, and a replacement does not'() {
    const state = doorIn('running');
    const data = { desiredFps: 5, configuration: { zone: 'gate' } };
    state.replaceSubscription('door', 'yolo', data);
    const previous = state.subscription('door', 'yolo');
    const ids = { cameraId: 'door', modelId: 'yolo' };
    const updated = { ...ids, ...data, desiredFps: 7 };
    assertSame(state.updateSubscription('door', 'yolo', { desiredFps: 7 }), {
      outcome: 'replaced',
      changes: [{ revision: state.revision, kind: 'subscription-replaced', subscription: updated, previous }],
    });
    for (const nothing of [{}, { desiredFps: undefined, configuration: undefined }]) {
      assertSame(state.updateSubscription('door', 'yolo', nothing), {
        outcome: 'already-there',
        changes: [],
      });
    }
    state.updateSubscription('door', 'yolo', { desiredFps: null });
    assertSame(state.subscription('door', 'yolo'), { ...ids, ...data, desiredFps: null });
    state.replaceSubscription('door', 'yolo', { desiredFps: 7 });
    assertSame(state.subscription('door', 'yolo'), { ...ids, desiredFps: 7, configuration: null });
    assertSame(state.updateSubscription('door', 'faces', {}).outcome, 'not-there');
  },

  'P3.1: P3.2: agents and models can be listed without a snapshot'() {
    const state = new RuthState();
    assertSame([state.agents(), state.modelIds()], [[], []]);
    for (const cameraId of ['yard', 'door']) {
      state.ensureAgent(cameraId);
      for (const modelId of ['yolo', 'faces']) state.addSubscription(cameraId, modelId);
    }
    assertSame(
      state.agents().map(({ cameraId }) => cameraId),
      ['door', 'yard'],
    );
    const models = state.modelIds();
    assertSame(models, ['faces', 'yolo']);
    state.removeSubscription('door', 'yolo');
    assert(state.modelIds() === models, 'the same list as long as no model comes or goes');
    state.removeSubscription('yard', 'yolo');
    state.addSubscription('door', 'gait');
    assertSame(state.modelIds(), ['faces', 'gait']);
    assertDeeplyFrozen(state.agents());
    assertDeeplyFrozen(state.modelIds());
  },

  'P3.11: the JSON of a state is its snapshot, from which the state can be made again'() {
    const state = doorIn('running');
    assertSame(viaJson(state), state.snapshot());
    const text = JSON.stringify({ ruth: state });
    const { ruth } = JSON.parse(text) as { ruth: Snapshot };
    assertSame(RuthState.fromSnapshot(ruth).snapshot(), state.snapshot());
  },

  'S5: a long walk through all operations agrees with a naive model, and its replay gives the same state'() {
    const state = new RuthState();
    const model = new NaiveModel();
    const keepsakes = new Keepsakes();
    const log: Change[] = [];
    for (const taken of walk(3_000)) {
      log.push(...step(state, model, taken, keepsakes));
      if (log.length % 50 === 0) keepsakes.keep(state.snapshot());
    }
    assertEquivalent(state, model, MODELS);
    keepsakes.assertUnchanged();
    const replayed = new RuthState();
    for (const change of viaJson(log)) replayed.apply(change);
    assertSame(replayed.snapshot(), state.snapshot());
    assertSame(RuthState.fromSnapshot(viaJson(state.snapshot())).snapshot(), state.snapshot());
    assert(log.length > 1_000 && state.counts().agents > 64, 'the walk is long enough to matter');
  },
};

const MODELS: readonly string[] = ['yolo', 'faces', 'org/plates:2'];

const FREQUENT: readonly Operation[] = ['ensureAgent', 'addSubscription', 'bindFrameSource'];

/** Steps chosen by a fixed xorshift sequence: most of them well formed, on 120 cameras. */
function* walk(length: number): Generator<Step> {
  let word = 0x2545f491;
  const pick = <T>(choices: readonly T[]): T => {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    return choices[(word >>> 0) % choices.length] as T;
  };
  const cameras = Array.from({ length: 120 }, (_, index) => `camera-${index}`);
  const operations = (Object.keys(lifecycleTable) as Operation[]).filter((name) => name !== 'removeModel');
  for (let count = 0; count < length; count += 1) {
    const camera = pick([...cameras, pick(BAD_IDS)]);
    const model = pick([...MODELS, ...MODELS, ...MODELS, pick(BAD_IDS)]);
    const data = {
      desiredFps: pick([1, 2, null, 25, 29.97, pick(BAD_RATES)]),
      configuration: pick([null, [1], { a: 'b' }]),
    };
    const operation = pick<Operation>([...operations, ...FREQUENT, ...FREQUENT, ...FREQUENT]);
    if (count % 500 === 499) yield { operation: 'removeModel', args: [model] };
    else if (/^(add|replace|update)/.test(operation)) yield { operation, args: [camera, model, data] };
    else if (operation === 'removeSubscription') yield { operation, args: [camera, model] };
    else if (operation === 'bindFrameSource') {
      yield {
        operation,
        args: [{ cameraId: camera, path: pick(['/a', '/b', 'c']), layoutVersion: pick([1, 2, 0]) }],
      };
    } else yield { operation, args: [camera] };
  }
}
