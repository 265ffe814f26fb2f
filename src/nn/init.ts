/** @file Initial values of parameters: each drawn from a stream of its own, keyed by its name. */
import * as tf from '@tensorflow/tfjs';
import {type RandomStream, stream} from '../random.js';
import {Convolution} from './layers.js';
import {Linear} from './linear.js';
import type {Module} from './module.js';

type Draw = (random: RandomStream) => number;

/** How the initial values of a convolution are drawn, one by one. */
export type Initializer = (layer: Convolution) => {
  readonly weight: Draw;
  /** null: biases are 0. */
  readonly bias: Draw | null;
};

/** Weights from N(0, deviation²), biases 0. */
function normal(deviation: (layer: Convolution) => number): Initializer {
  return (layer) => {
    const standardDeviation = deviation(layer);
    return {weight: (random) => random.normal(0, standardDeviation), bias: null};
  };
}

/** The same deviation for all layers: 0.001 in the code of SimpleBaseline and of HRNet. */
export function constantDeviation(value: number): Initializer {
  return normal(() => value);
}

/** Where a prediction starts: near 0, as the targets are nearly everywhere. */
const PREDICTION_DEVIATION = 0.001;

/** Deviation √(2 / inputs of an output), which keeps the activations' variance through ReLUs (He et al. 2015, Eq. 10). */
export const heDeviation: Initializer = normal(({fanIn, isPrediction}) =>
  isPrediction ? PREDICTION_DEVIATION : Math.sqrt(2 / fanIn),
);

/** What PyTorch does where a network's code says nothing: weights and biases within ±1 / √inputs of an output. */
export const torchDefault = ({fanIn}: {readonly fanIn: number}) => {
  const limit = 1 / Math.sqrt(fanIn);
  const draw: Draw = (random) => random.uniform(-limit, limit);
  return {weight: draw, bias: draw};
};

/**
 * Draws every convolution's weights, and biases where the initialiser has something for them; matrices begin as PyTorch's
 * do, which no network's code changes. Everything else keeps what it was made with (biases 0, normalisations 1 and 0).
 * What a parameter gets depends on the seed, its name and its shape alone.
 */
export function initializeConvolutions(module: Module, seed: number, initializer: Initializer): void {
  for (const [name, layer] of module.namedModules()) {
    if (!(layer instanceof Convolution || layer instanceof Linear)) continue;
    const {weight, bias} = layer instanceof Linear ? torchDefault(layer) : initializer(layer);
    fill(layer.weight.variable, `${name}.weight`, seed, weight);
    if (layer.bias && bias) fill(layer.bias.variable, `${name}.bias`, seed, bias);
  }
}

function fill(variable: tf.Variable, name: string, seed: number, draw: Draw): void {
  const random = stream(seed, `init/${name}`);
  const values = new Float32Array(variable.size);
  for (let i = 0; i < values.length; i++) values[i] = draw(random);
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
}
