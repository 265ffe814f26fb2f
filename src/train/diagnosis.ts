/** @file Where numbers that are not finite come from: the batch, the weights, or a layer on the way. */
import * as tf from '@tensorflow/tfjs';
import {allFinite, firstNonFiniteLayer} from '../nn/observe.js';
import type {Draws} from '../random.js';
import type {TopDownInputs, TopDownTask} from '../tasks/topDown.js';
import {ModelBuffers} from './bufferSnapshot.js';

export interface Diagnosis {
  /** Images of the step's last batch with such numbers, by their places in it; targets and weights of keypoints too. */
  readonly inputs: Readonly<Record<'images' | 'targets' | 'weights', readonly number[]>>;
  /** Parameters and buffers that had such numbers before the step. */
  readonly state: readonly string[];
  /** The first layer that gives such numbers; if it is in the backward pass, the one whose gradient is the first. */
  readonly firstBadLayer: string | null;
}

/**
 * @param inputs the last batch of the step
 * @param draws what it drew from
 * @param gradientNorms by parameter, in the model's order
 */
export function diagnose(
  task: TopDownTask,
  inputs: TopDownInputs,
  draws: Draws,
  gradientNorms: ReadonlyMap<string, number>,
): Diagnosis {
  const {model} = task;
  const named = [...model.namedParameters(), ...model.namedBuffers()];
  const state = named.filter(([, variable]) => !allFinite(variable)).map(([name]) => name);
  const before = new ModelBuffers(model).snapshot();
  const layer = firstNonFiniteLayer(model.train(), () => tf.tidy(() => void task.supervised(inputs, draws)));
  before.restore();
  const badGradient = [...gradientNorms].reverse().find(([, norm]) => !Number.isFinite(norm))?.[0];
  return {
    inputs: {
      images: badRows(inputs.images),
      targets: [...new Set(inputs.targets.flatMap(badRows))].sort((a, b) => a - b),
      weights: badRows(inputs.weights),
    },
    state,
    firstBadLayer: layer ?? layerOf(badGradient) ?? layerOf(state[0]),
  };
}

/** A parameter's name without its last part. */
function layerOf(parameter: string | undefined): string | null {
  return parameter?.slice(0, parameter.lastIndexOf('.')) ?? null;
}

/** Places along the first axis at which something is not finite. */
function badRows(tensor: tf.Tensor): number[] {
  const rows = tensor.shape[0];
  const values = tensor.dataSync<'float32'>();
  const size = values.length / rows;
  const isBad = (row: number) => !values.subarray(row * size, (row + 1) * size).every(Number.isFinite);
  return Array.from({length: rows}, (_, row) => row).filter(isBad);
}
