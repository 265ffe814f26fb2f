/** @file Initial values of parameters: each drawn from a stream of its own, keyed by its name. */
import * as tf from '@tensorflow/tfjs';
import {stream} from '../random.js';
import {Conv2d} from './layers.js';
import type {Module} from './module.js';

/** The standard deviation of a convolution's initial weights. */
export type Deviation = (layer: Conv2d) => number;

/** The same for all layers. */
export function constantDeviation(value: number): Deviation {
  return () => value;
}

/**
 * √(2 / inputs of an output), which keeps the activations' variance through ReLUs (He et al. 2015, Eq. 10). A layer with
 * a bias ends the network: it starts near 0, as the targets are nearly everywhere.
 */
export const heDeviation: Deviation = ({weight: {variable}, bias}) =>
  bias ? 0.001 : Math.sqrt((2 * variable.shape[3]) / variable.size);

/**
 * Draws every convolution's weights from N(0, deviation²); everything else keeps what it was made with (biases 0,
 * normalisations 1 and 0). What a parameter gets depends on the seed, its name and its shape alone.
 */
export function initializeConvolutions(module: Module, seed: number, deviation: Deviation): void {
  for (const [name, layer] of module.namedModules()) {
    if (layer instanceof Conv2d) fillNormal(layer.weight.variable, `${name}.weight`, seed, deviation(layer));
  }
}

function fillNormal(variable: tf.Variable, name: string, seed: number, standardDeviation: number): void {
  const random = stream(seed, `init/${name}`);
  const values = new Float32Array(variable.size);
  for (let i = 0; i < values.length; i++) values[i] = random.normal(0, standardDeviation);
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
}
