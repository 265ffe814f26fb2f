/** @file What a checkpoint says of its run, read back. */
import {describe, expect, it} from 'vitest';
import type {Checkpoint} from '../../src/checkpoint/load.js';
import {readRunState} from '../../src/train/runState.js';

const STATE = {
  ...{step: 7, epoch: 2, nextBatch: 1, metricsOffset: 120},
  ...{config: {name: 'run'}, data: {train: 'a', val: 'b'}, machine: {node: '20'}},
  best: {step: 6, epoch: 2, figure: 0.5},
};

function read(changes: Record<string, unknown> = {}) {
  return readRunState({path: 'run/step-7', state: {...STATE, ...changes}} as unknown as Checkpoint);
}

describe('readRunState', () => {
  it('gives the run back', () => {
    expect(read()).toEqual(STATE);
    expect(read({best: null}).best).toBeNull();
  });

  it('does not mind what later versions add', () => {
    expect(read({ema: 1})).toEqual(STATE);
  });

  it.each([
    ['step', -1],
    ['epoch', 'two'],
    ['nextBatch', undefined],
    ['best', 3],
    ['metricsOffset', 1.5],
    ['config', 'recipe.yaml'],
    ['data', {train: 1}],
  ])('refuses a state whose %s is %j', (key, value) => {
    expect(() => read({[key]: value})).toThrow(new RegExp(`^run/step-7/state.json: ${key}`));
  });
});
