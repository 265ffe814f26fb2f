/** @file What a checkpoint says of its run, read back, and the runs that cannot go on from it. */
import {describe, expect, it} from 'vitest';
import type {Checkpoint} from '../../src/checkpoint/load.js';
import {configSchema} from '../../src/config/schema.js';
import {UserError} from '../../src/errors.js';
import {readRunState} from '../../src/train/runState.js';
import {CONFIG} from './config.js';

const STATE = {
  ...{step: 7, epoch: 2, nextBatch: 1, metricsOffset: 120, seed: 0, batchSize: 2},
  best: {step: 6, epoch: 2, figure: 0.5},
};

function read(changes: Record<string, unknown> = {}, config = CONFIG) {
  return readRunState({path: 'run/step-7', state: {...STATE, ...changes}} as unknown as Checkpoint, config);
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
  ])('refuses a state whose %s is %j', (key, value) => {
    expect(() => read({[key]: value})).toThrow(new RegExp(`^run/step-7/state.json: ${key}`));
  });

  it('refuses another order of samples, and names what changed', () => {
    const other = configSchema.parse({...CONFIG, seed: 4, train: {...CONFIG.train, batchSize: 3}});
    const call = () => read({}, other);
    expect(call).toThrow(/seed \(was 0, is 4\) and train.batchSize \(was 2, is 3\)/);
    expect(call).toThrow(UserError);
  });
});
