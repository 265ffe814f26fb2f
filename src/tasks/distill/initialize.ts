/** @file How the layers of a method begin: as PyTorch begins them, from which the published code does not depart. */
import * as tf from '@tensorflow/tfjs';
import {Embedding} from '../../nn/embedding.js';
import {initializeLayers, torchDefault} from '../../nn/init.js';
import {stream} from '../../random.js';
import type {DistillMethod} from './method.js';

/** Draws every weight; what a parameter gets depends on the seed, its name and its shape alone. */
export function initializeMethod(method: DistillMethod, seed: number): void {
  initializeLayers(method, seed, torchDefault);
  for (const [name, layer] of method.namedModules()) {
    if (layer instanceof Embedding) fillTable(layer, `${name}.weight`, seed);
  }
}

/** From N(0, 1). */
function fillTable({weight: {variable}}: Embedding, name: string, seed: number): void {
  const random = stream(seed, `init/${name}`);
  const values = Float32Array.from({length: variable.size}, () => random.normal());
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape) as tf.Tensor2D));
}
