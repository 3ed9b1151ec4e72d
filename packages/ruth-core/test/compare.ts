/** Runs one step on the real state and on the naive model, and compares all that can be asked of either. */
import { assert, assertDeeplyFrozen, assertSame, canonical } from './assert.js';
import type { NaiveModel, Step } from './naive-model.js';
import { lifecycleTable, type Change, type Outcome, type RuthState } from '@vas/ruth-core';

/** Values that were handed out, with what they looked like then. */
export class Keepsakes {
  readonly #kept: { value: unknown; looked: string }[] = [];

  keep(value: unknown): void {
    assertDeeplyFrozen(value);
    this.#kept.push({ value, looked: canonical(value) });
  }

  assertUnchanged(): void {
    for (const { value, looked } of this.#kept) assertSame(canonical(value), looked);
  }
}

const NO_CHANGES: readonly Change[] = Object.freeze([]);

/** The answer of the real state in the words of the model, and the changes behind it. */
export function perform(
  state: RuthState,
  { operation, args }: Step,
): { answer: string; changes: readonly Change[] } {
  assert(operation in lifecycleTable, `${operation} is an operation`);
  try {
    const outcome = (state[operation] as (...args: unknown[]) => Outcome).apply(state, [...args]);
    return { answer: outcome.outcome, changes: outcome.changes };
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { answer: String(error.code), changes: NO_CHANGES };
    throw error;
  }
}

/** Performs a step on both and compares the answers. Returns the changes it made. */
export function step(
  state: RuthState,
  model: NaiveModel,
  step: Step,
  keepsakes: Keepsakes,
): readonly Change[] {
  const before = state.snapshot();
  const { answer, changes } = perform(state, step);
  assertSame(answer, model.perform(step));
  // The snapshot is the same object exactly when nothing has changed.
  assertSame(state.snapshot() === before, changes.length === 0);
  assertSame(changes.length === 0, /^([A-Z_]+|already-.*|not-there)$/.test(answer));
  // Every change has the revision that comes next.
  assertSame(
    changes.map(({ revision }) => revision),
    changes.map((_, index) => before.revision + index + 1),
  );
  assertSame([state.revision, state.snapshot().revision], Array(2).fill(before.revision + changes.length));
  keepsakes.keep(changes);
  return changes;
}

/** Compares every answer to every question, of the cameras and models given and of all that there are. */
export function assertEquivalent(state: RuthState, model: NaiveModel, models: readonly string[]): void {
  const expected = model.snapshot();
  const snapshot = state.snapshot();
  assertSame(snapshot, { formatVersion: 1, revision: state.revision, agents: expected.agents });
  assert(state.agents() === snapshot.agents, 'the agents of the snapshot');
  assertSame(state.modelIds(), models.filter((modelId) => model.camerasOf(modelId).length > 0).sort());
  for (const agent of expected.agents) {
    assertSame(agent.streamAgentId, agent.cameraId);
    assert(
      state.agent(agent.cameraId) === snapshot.agents.find(({ cameraId }) => cameraId === agent.cameraId),
      'shared',
    );
    assertSame(state.subscriptionsOf(agent.cameraId), agent.subscriptions);
    for (const subscription of agent.subscriptions) {
      assertSame(state.subscription(agent.cameraId, subscription.modelId), subscription);
    }
  }
  for (const modelId of models) assertSame(state.camerasOf(modelId), model.camerasOf(modelId));
  assertSame(state.counts(), {
    agents: expected.agents.length,
    subscriptions: expected.agents.flatMap(({ subscriptions }) => subscriptions).length,
    models: models.filter((modelId) => model.camerasOf(modelId).length > 0).length,
  });
}
