/** @file Looking into a network while it runs. */
import type * as tf from '@tensorflow/tfjs';
import {BatchNorm2d} from './layers.js';
import {Layer, type Module} from './module.js';

/** Whether it has neither NaN nor an infinity. */
export function allFinite(tensor: tf.Tensor): boolean {
  return tensor.dataSync<'float32'>().every(Number.isFinite);
}

/**
 * Runs `forward` and finds the layer that is the first to give a number that is not finite.
 * @param model whose layers are looked at
 * @returns its name, or null if there is none
 */
export function firstNonFiniteLayer(model: Module, forward: () => void): string | null {
  let found: string | null = null;
  const observed: [layer: Layer, method: string][] = [];
  const observe = (name: string, layer: Layer, method: 'forward' | 'activated') => {
    const original = Reflect.get(layer, method) as (...args: unknown[]) => tf.Tensor | tf.Tensor[];
    const look = (...args: unknown[]) => {
      const y = original.apply(layer, args);
      // Layers within this one were asked before it.
      if (found === null && ![y].flat().every(allFinite)) found = name;
      return y;
    };
    Reflect.set(layer, method, look);
    observed.push([layer, method]);
  };
  for (const [name, layer] of model.namedModules()) {
    if (name === '' || !(layer instanceof Layer)) continue;
    observe(name, layer, layer instanceof BatchNorm2d ? 'activated' : 'forward');
  }
  try {
    forward();
  } finally {
    for (const [layer, method] of observed) Reflect.deleteProperty(layer, method);
  }
  return found;
}
