/** @file Initial values of parameters: each drawn from a stream of its own, keyed by its name. */
import * as tf from '@tensorflow/tfjs';
import {stream} from '../random.js';
import {Conv2d} from './layers.js';
import type {Module} from './module.js';

/**
 * Draws every convolution's weights from N(0, standardDeviation²); everything else keeps what it was made with (biases
 * 0, normalisations 1 and 0). What a parameter gets depends on the seed, its name and its shape alone.
 */
export function initializeConvolutions(module: Module, seed: number, standardDeviation: number): void {
  for (const [name, layer] of module.namedModules()) {
    if (layer instanceof Conv2d) fillNormal(layer.weight.variable, `${name}.weight`, seed, standardDeviation);
  }
}

function fillNormal(variable: tf.Variable, name: string, seed: number, standardDeviation: number): void {
  const random = stream(seed, `init/${name}`);
  const values = new Float32Array(variable.size);
  for (let i = 0; i < values.length; i++) values[i] = random.normal(0, standardDeviation);
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
}
