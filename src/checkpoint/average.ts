/** @file The mean of several checkpoints' weights (Izmailov et al. 2018: often better than each of them). */
import {UserError} from '../errors.js';
import type {HostTensor, StateDict} from './stateDict.js';

export interface NamedDict {
  /** Where it comes from, for messages. */
  readonly file: string;
  readonly weights: StateDict;
}

function requireSame(first: NamedDict, other: NamedDict): void {
  for (const [a, b] of [
    [first, other],
    [other, first],
  ]) {
    for (const [name, {dtype, shape}] of a.weights) {
      const found = b.weights.get(name);
      if (found?.dtype === dtype && String(found.shape) === String(shape)) continue;
      const there = found ? `${found.dtype} [${found.shape}]` : 'missing';
      throw new UserError(
        'checkpoint',
        `${b.file}: "${name}" is ${there}, and ${dtype} [${shape}] in ${a.file}: they are of different models.`,
      );
    }
  }
}

/** Of floats the mean, summed in double precision; of anything else, as counters of batches, the last. */
function mean(tensors: readonly HostTensor[]): HostTensor {
  const last = tensors.at(-1)!;
  const {dtype, shape} = last;
  if (dtype !== 'F32') return last;
  const data = new Float32Array(last.data.length);
  const arrays = tensors.map((tensor) => tensor.data as Float32Array);
  for (let i = 0; i < data.length; i++) {
    let sum = 0;
    for (const array of arrays) sum += array[i];
    data[i] = sum / arrays.length;
  }
  return {dtype, shape, data};
}

/**
 * @param dicts at least one
 * @throws UserError('checkpoint') if they are not of one model
 */
export function averageWeights(dicts: readonly NamedDict[]): StateDict {
  for (const dict of dicts.slice(1)) requireSame(dicts[0], dict);
  const names = [...dicts[0].weights.keys()];
  return new Map(names.map((name) => [name, mean(dicts.map(({weights}) => weights.get(name)!))]));
}
