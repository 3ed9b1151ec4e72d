/** How a state looks to whoever prints, clones or sends it. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { RuthState } from '@vas/ruth-core';

describe('a state that is shown', () => {
  const state = new RuthState();
  state.ensureAgent('door');
  state.addSubscription('door', 'yolo');

  it('prints how much there is, under its own name', () => {
    expect(inspect(state)).toBe('RuthState { revision: 2, agents: 1, subscriptions: 1, models: 1 }');
    expect(inspect({ ruth: state })).toContain('RuthState { revision: 2');
    expect(RuthState.name).toBe('RuthState');
  });

  it('P3.11: is refused by structured clone, which would copy nothing of it; its snapshot is not', () => {
    expect(() => structuredClone(state)).toThrow(expect.objectContaining({ name: 'DataCloneError' }));
    const cloned = RuthState.fromSnapshot(structuredClone(state.snapshot()));
    expect(cloned.snapshot()).toEqual(state.snapshot());
  });
});
