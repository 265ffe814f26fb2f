/** @file The mean of checkpoints' weights. */
import {describe, expect, it} from 'vitest';
import {averageWeights} from '../../src/checkpoint/average.js';
import type {HostTensor, StateDict} from '../../src/checkpoint/stateDict.js';
import {floats} from './builders.js';

const counter = (value: number): HostTensor => ({
  dtype: 'I64',
  shape: [],
  data: BigInt64Array.of(BigInt(value)),
});

function named(file: string, ...entries: [string, HostTensor][]) {
  return {file, weights: new Map(entries) as StateDict};
}

describe('the mean of weights', () => {
  it('is that of every float; of a counter it is the last', () => {
    const mean = averageWeights([
      named('a', ['w', floats(1, 2)], ['n', counter(3)]),
      named('b', ['w', floats(3, 6)], ['n', counter(5)]),
      named('c', ['w', floats(5, 1)], ['n', counter(9)]),
    ]);
    expect(mean.get('w')).toEqual(floats(3, 3));
    expect(mean.get('n')).toEqual(counter(9));
  });

  it('does not lose small numbers beside large ones', () => {
    // In single precision 2^24 + 1 is 2^24.
    const mean = averageWeights([
      named('a', ['w', floats(2 ** 24)]),
      named('b', ['w', floats(1)]),
      named('c', ['w', floats(1)]),
      named('d', ['w', floats(-(2 ** 24))]),
    ]);
    expect(mean.get('w')).toEqual(floats(0.5));
  });

  it.each<[string, ReturnType<typeof named>]>([
    ['missing', named('b')],
    ['F32 [3]', named('b', ['w', floats(1, 2, 3)])],
  ])('is refused of another model, where an array is %s', (what, other) => {
    const call = () => averageWeights([named('a', ['w', floats(1, 2)]), other]);
    expect(call).toThrow(`b: "w" is ${what}, and F32 [2] in a: they are of different models.`);
  });

  it('is refused when one has more', () => {
    const more = named('b', ['w', floats(1)], ['v', floats(1)]);
    expect(() => averageWeights([named('a', ['w', floats(1)]), more])).toThrow('a: "v" is missing');
  });
});
