/** @file Initial values of parameters: each drawn from a stream of its own, keyed by its name. */
import * as tf from '@tensorflow/tfjs';
import {type RandomStream, stream} from '../random.js';
import {Embedding} from './embedding.js';
import {GatedAttention} from './gatedAttention.js';
import {Convolution} from './layers.js';
import {Linear} from './linear.js';
import type {Module} from './module.js';

type Draw = (random: RandomStream) => number;

/** A layer with weights, and biases unless they are null. */
type Weighted = Convolution | Linear;

/** How the initial values of a layer are drawn, one by one. */
export type Initializer = (layer: Weighted) => {
  readonly weight: Draw;
  /** null: biases are 0. */
  readonly bias: Draw | null;
};

/** Weights from N(0, deviation²), biases 0. */
function normal(deviation: (layer: Weighted) => number): Initializer {
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

/** The same for the weights, and biases 0: MMPose's Kaiming initialisation with a = √5, as CSPNeXt has it. */
export const torchWeights: Initializer = (layer) => ({...torchDefault(layer), bias: null});

/** MMPose's heads that classify coordinates: deviation 0.001 in convolutions, 0.01 in linear layers. */
export const simccDeviation: Initializer = normal((layer) => (layer instanceof Linear ? 0.01 : 0.001));

const fromZeroToOne: Draw = (random) => random.uniform();

const standardNormal: Draw = (random) => random.normal();

/**
 * Draws the weights of every convolution and linear layer, biases where the initialiser has something for them, γ and β
 * of attention units from 0 to 1, as published, and tables of embeddings from N(0, 1), as PyTorch does; everything else
 * keeps what it was made with (biases 0, normalisations 1 and 0). What a parameter gets depends on the seed, its name
 * and its shape alone.
 */
export function initializeLayers(module: Module, seed: number, initializer: Initializer): void {
  for (const [name, layer] of module.namedModules()) {
    if (layer instanceof GatedAttention) {
      fill(layer.gamma.variable, `${name}.gamma`, seed, fromZeroToOne);
      fill(layer.beta.variable, `${name}.beta`, seed, fromZeroToOne);
    }
    if (layer instanceof Embedding) fill(layer.weight.variable, `${name}.weight`, seed, standardNormal);
    if (!(layer instanceof Convolution || layer instanceof Linear)) continue;
    const {weight, bias} = initializer(layer);
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
