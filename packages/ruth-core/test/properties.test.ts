import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical, codeOf } from './assert.js';
import { assertEquivalent, Keepsakes, perform, step } from './compare.js';
import { BAD_IDS, BAD_RATES, NaiveModel, type Step } from './naive-model.js';
import { RuthState, type Change, type Operation, type PlainData } from '@vas/ruth-core';

const CAMERAS = ['door', 'gate', 'yard'];
const MODELS = ['yolo', 'faces', 'org/plates:2'];

const mostly = (good: readonly unknown[], bad: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.constantFrom(...bad) },
  );

function stepsOn(
  cameras: readonly string[],
  operations: readonly Operation[] = OPERATIONS,
): fc.Arbitrary<Step> {
  const camera = mostly(cameras, BAD_IDS);
  const model = mostly(MODELS, BAD_IDS);
  const data = fc.record({
    desiredFps: mostly([null, 5, 29.97, undefined], BAD_RATES),
    configuration: fc.constantFrom(null, { zones: [1] }, undefined),
  });
  const source = fc.record({
    cameraId: camera,
    path: mostly(['/a', '/b'], ['', 'c']),
    layoutVersion: mostly([1, 2], [0]),
  });
  const args: Readonly<Record<Operation, fc.Arbitrary<unknown[]>>> = {
    ensureAgent: fc.tuple(camera),
    startAgent: fc.tuple(camera),
    stopAgent: fc.tuple(camera),
    removeAgent: fc.tuple(camera),
    removeCamera: fc.tuple(camera),
    addSubscription: fc.oneof(fc.tuple(camera, model), fc.tuple(camera, model, data)),
    replaceSubscription: fc.tuple(camera, model, data),
    updateSubscription: fc.tuple(camera, model, data),
    removeSubscription: fc.tuple(camera, model),
    removeModel: fc.tuple(model),
    bindFrameSource: fc.tuple(source),
    unbindFrameSource: fc.tuple(camera),
  };
  // What adds is likelier, or there would be little to remove.
  const likely: Operation[] = [
    'ensureAgent',
    'ensureAgent',
    'addSubscription',
    'addSubscription',
    'bindFrameSource',
  ];
  return fc
    .constantFrom(...operations, ...likely)
    .chain((operation) => args[operation].map((args): Step => ({ operation, args })));
}

const OPERATIONS: readonly Operation[] = [
  ...(['ensureAgent', 'startAgent', 'stopAgent', 'removeAgent', 'removeCamera'] as const),
  ...(['addSubscription', 'replaceSubscription', 'updateSubscription', 'removeSubscription'] as const),
  ...(['removeModel', 'bindFrameSource', 'unbindFrameSource'] as const),
];

interface Real {
  readonly state: RuthState;
  readonly log: Change[];
  readonly keepsakes: Keepsakes;
}

/** One step as a fast-check command: performed on both, compared in everything that can be asked. */
class StepCommand implements fc.Command<NaiveModel, Real> {
  constructor(readonly step: Step) {}

  check(): boolean {
    return true;
  }

  run(model: NaiveModel, { state, log, keepsakes }: Real): void {
    log.push(...step(state, model, this.step, keepsakes));
    keepsakes.keep(state.snapshot());
    assertEquivalent(state, model, MODELS);
  }

  toString(): string {
    return `${this.step.operation}${canonical(this.step.args)}`;
  }
}

function after(steps: readonly Step[]): RuthState {
  const state = new RuthState();
  for (const step of steps) perform(state, step);
  return state;
}

function viaJson<T>(data: T): T {
  return JSON.parse(JSON.stringify(data)) as T;
}

describe('any sequence of operations', () => {
  it('P3.1: P3.2: S5: agrees with a naive model, changes nothing when refused, and replays to the same state', () => {
    const commands = fc.commands([stepsOn(CAMERAS).map((step) => new StepCommand(step))], {
      maxCommands: 150,
      size: 'max',
    });
    fc.assert(
      fc.property(commands, (steps) => {
        const real: Real = { state: new RuthState(), log: [], keepsakes: new Keepsakes() };
        fc.modelRun(() => ({ model: new NaiveModel(), real }), steps);
        real.keepsakes.assertUnchanged();

        const replayed = new RuthState();
        for (const change of viaJson(real.log)) replayed.apply(change);
        expect(replayed.snapshot()).toEqual(real.state.snapshot());
        expect(replayed.counts()).toEqual(real.state.counts());
        expect(replayed.revision).toBe(real.state.revision);
        const cloned = RuthState.fromSnapshot(structuredClone(real.state.snapshot()));
        expect(cloned.snapshot()).toEqual(real.state.snapshot());
      }),
      { numRuns: 100 },
    );
  });

  it('P3.11: replays from any snapshot with any log that overlaps it, and refuses one that leaves a gap', () => {
    fc.assert(
      fc.property(fc.array(stepsOn(CAMERAS), { size: 'medium' }), fc.nat(), fc.nat(), (steps, cut, shift) => {
        const state = new RuthState();
        const snapshots = [state.snapshot()];
        const log: Change[] = [];
        for (const step of steps) {
          log.push(...perform(state, step).changes);
          snapshots.push(state.snapshot());
        }
        const snapshot = snapshots[cut % snapshots.length] ?? state.snapshot();
        const from = shift % (snapshot.revision + 1);
        const restored = RuthState.fromSnapshot(viaJson(snapshot));
        // Each change twice: somebody was not sure whether the first had been written.
        for (const change of viaJson(log.slice(from))) {
          const isKnown = change.revision <= snapshot.revision;
          expect(restored.apply(change).outcome).toBe(isKnown ? 'already-applied' : 'applied');
          expect(restored.apply(change).outcome).toBe('already-applied');
        }
        expect(restored.snapshot()).toEqual(state.snapshot());
        expect(restored.counts()).toEqual(state.counts());

        const behind = log.findIndex(({ revision }) => revision > snapshot.revision + 1);
        const late = log[behind];
        if (late === undefined) return;
        const gapped = RuthState.fromSnapshot(viaJson(snapshot));
        expect(codeOf(() => gapped.apply(late))).toBe('CHANGES_MISSING');
        expect(gapped.snapshot()).toEqual(snapshot);
      }),
    );
  });

  it('P3.3: comes to the same state in any order that keeps the order of each camera', () => {
    const ofOneCamera = OPERATIONS.filter((operation) => operation !== 'removeModel');
    fc.assert(
      fc.property(
        fc.array(stepsOn(['door'], ofOneCamera), { size: 'medium' }),
        fc.array(stepsOn(['yard'], ofOneCamera), { size: 'medium' }),
        fc.infiniteStream(fc.boolean()),
        (door, yard, isDoorNext) => {
          const mixed: Step[] = [];
          const doorLeft = [...door];
          const yardLeft = [...yard];
          while (doorLeft.length + yardLeft.length > 0) {
            const isDoor = isDoorNext.next().value === true;
            mixed.push(...(isDoor ? doorLeft : yardLeft).splice(0, 1));
          }
          const one = after([...door, ...yard]);
          for (const other of [after([...yard, ...door]), after(mixed)]) {
            expect(JSON.stringify(other.snapshot())).toBe(JSON.stringify(one.snapshot()));
            for (const model of MODELS) expect(other.camerasOf(model)).toEqual(one.camerasOf(model));
          }
        },
      ),
    );
  });

  it('P3.9: takes a recorded change of another state only if the change comes out the same, or not at all', () => {
    const steps = fc.array(stepsOn(CAMERAS), { size: 'medium' });
    let taken = 0;
    let refused = 0;
    fc.assert(
      fc.property(steps, steps, (here, there) => {
        const state = after(here);
        const other = new RuthState();
        for (const change of there.flatMap((step) => perform(other, step).changes)) {
          const before = state.snapshot();
          const counted = canonical(state.counts());
          const code = codeOf(() => {
            state.apply({ ...change, revision: state.revision + 1 });
          });
          if (code === 'no error') {
            taken += 1;
            expect(state.snapshot()).not.toBe(before);
          } else {
            refused += 1;
            expect(state.snapshot()).toBe(before);
            expect(canonical(state.counts())).toBe(counted);
          }
        }
      }),
    );
    expect(Math.min(taken, refused)).toBeGreaterThan(50);
  });
});

describe('any configuration', () => {
  const withConfiguration = (configuration: unknown): RuthState => {
    const state = new RuthState();
    state.ensureAgent('door');
    state.addSubscription('door', 'yolo', { configuration: configuration as PlainData });
    return state;
  };

  it('P3.7: comes back as it was given if JSON can carry it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(!JSON.stringify(value).includes('"__proto__":'));
        const given = viaJson(value);
        const stored = withConfiguration(given).subscription('door', 'yolo')?.configuration;
        expect(stored).toEqual(viaJson(given));
        expect(structuredClone(stored)).toEqual(stored);
      }),
    );
  });

  it('P3.7: is refused or is the same after JSON and after structured clone', () => {
    let accepted = 0;
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withSparseArray: true,
          withTypedArray: true,
          withNullPrototype: true,
          withBoxedValues: true,
        }),
        (value) => {
          const code = codeOf(() => withConfiguration(value));
          if (code !== 'no error') return code === 'BAD_CONFIGURATION';
          accepted += 1;
          const stored = withConfiguration(value).subscription('door', 'yolo')?.configuration;
          expect(viaJson(stored)).toEqual(stored);
          expect(structuredClone(stored)).toEqual(stored);
          return true;
        },
      ),
      { numRuns: 1_000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});
