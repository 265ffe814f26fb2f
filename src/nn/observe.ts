/** @file Looking into a network while it runs. */
import * as tf from '@tensorflow/tfjs';
import {BatchNorm2d} from './layers.js';
import {Layer, type Module} from './module.js';

/** Whether it has neither NaN nor an infinity. */
export function allFinite(tensor: tf.Tensor): boolean {
  return tensor.dataSync<'float32'>().every(Number.isFinite);
}

/** Shows `look` what a method of a layer gives, until the function that it returns is called. */
function observe(
  layer: Layer,
  method: 'forward' | 'activated',
  look: (output: tf.Tensor | tf.Tensor[]) => void,
): () => void {
  const original = Reflect.get(layer, method) as (...args: unknown[]) => tf.Tensor | tf.Tensor[];
  Reflect.set(layer, method, (...args: unknown[]) => {
    const output = original.apply(layer, args);
    look(output);
    return output;
  });
  return () => Reflect.deleteProperty(layer, method);
}

/**
 * Runs `forward` and finds the layer that is the first to give a number that is not finite.
 * @param model whose layers are looked at
 * @returns its name, or null if there is none
 */
export function firstNonFiniteLayer(model: Module, forward: () => void): string | null {
  let found: string | null = null;
  const layers = [...model.namedModules()].filter(
    (entry): entry is [string, Layer] => entry[0] !== '' && entry[1] instanceof Layer,
  );
  const ends = layers.map(([name, layer]) =>
    observe(layer, layer instanceof BatchNorm2d ? 'activated' : 'forward', (output) => {
      // Layers within this one were asked before it.
      if (found === null && ![output].flat().every(allFinite)) found = name;
    }),
  );
  try {
    forward();
  } finally {
    for (const end of ends) end();
  }
  return found;
}

/**
 * Runs `forward`, and takes what a layer gives on the way; if it runs more than once, the last. A gradient goes through it.
 * @returns of the layer null if it was not run, or gave several tensors
 */
export function tapped<T>(layer: Layer, forward: () => T): {result: T; output: tf.Tensor | null} {
  let kept: tf.Tensor | null = null;
  const end = observe(layer, 'forward', (y) => {
    kept?.dispose();
    // The layer's own tensor is freed by whoever it is for.
    kept = Array.isArray(y) ? null : tf.keep(tf.clone(y));
  });
  try {
    const result = forward();
    return {result, output: kept && tf.clone(kept)};
  } finally {
    end();
    (kept as tf.Tensor | null)?.dispose();
  }
}
