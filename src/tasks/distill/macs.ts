/** @file What a method costs in inference. */
import * as tf from '@tensorflow/tfjs';
import {Convolution} from '../../nn/layers.js';
import {stream} from '../../random.js';
import {tensorDraws} from './draws.js';
import type {DistillMethod} from './method.js';

/**
 * Multiply-accumulates with which a method refines the features of one image, every pass through a layer counted; 0 if
 * it is for training alone. Those of convolutions are counted, without bias.
 * @param features [height, width, channels] of the student
 */
export function refinementMacs(method: DistillMethod, features: readonly [number, number, number]): number {
  const layers = [...method.namedModules().values()].filter((layer) => layer instanceof Convolution);
  let macs = 0;
  for (const layer of layers) {
    layer.onOutput = (output, input) => {
      macs += layer.macs(output, input);
    };
  }
  const {training} = method;
  try {
    method.eval();
    const draws = tensorDraws(stream(0, 'refinementMacs'));
    tf.dispose(tf.tidy(() => method.refine(tf.zeros([1, ...features]), draws) ?? tf.scalar(0)));
  } finally {
    method.train(training);
    for (const layer of layers) layer.onOutput = null;
  }
  return macs;
}
