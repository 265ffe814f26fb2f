/** @file HRNet's exchange of features (Sun et al. 2019, Fig. 3): the sum of maps of several resolutions, then ReLU. */
import * as tf from '@tensorflow/tfjs';
import {hasKernel, KERNELS, runKernel} from './kernels.js';
import {relu} from './relu.js';
import {resizeNearest} from './resize.js';

/**
 * max(0, Σ terms), in one pass: a smaller term has each of its cells repeated, and is never enlarged in memory.
 * @param terms the first [B, H, W, C], each other [B, H / f, W / f, C] with a whole f ≥ 1
 * @returns [B, H, W, C]
 * @throws Error if a term is not a whole part of the first
 */
export function sumRelu(terms: readonly tf.Tensor4D[]): tf.Tensor4D {
  const factors = terms.map((term) => factorOf(term, terms[0]));
  if (hasKernel(KERNELS.sumRelu)) return runKernel(KERNELS.sumRelu, terms, {factors});
  const [, height, width] = terms[0].shape;
  const enlarged = terms.map((term, i) => (factors[i] === 1 ? term : resizeNearest(term, [height, width])));
  return relu(enlarged.length === 1 ? enlarged[0] : tf.addN(enlarged));
}

function factorOf(term: tf.Tensor4D, {shape}: tf.Tensor4D): number {
  const factor = shape[1] / term.shape[1];
  const [batch, height, width, channels] = term.shape;
  if (
    Number.isInteger(factor) &&
    tf.util.arraysEqual(shape, [batch, height * factor, width * factor, channels])
  )
    return factor;
  throw new Error(`sumRelu: term [${term.shape}] does not fit [${shape}]`);
}

tf.registerGradient({
  kernelName: KERNELS.sumRelu,
  outputsToSave: [true],
  gradFunc: (dy, [y], attributes) => {
    const {factors} = attributes as unknown as {factors: readonly number[]};
    const dSum = runKernel(KERNELS.reluGradient, {dy: dy as tf.Tensor, y});
    const [batch, height, width, channels] = y.shape;
    const shrink = (factor: number) => {
      const inputShape = [batch, height / factor, width / factor, channels];
      return runKernel(KERNELS.resizeNearestGradient, {dy: dSum}, {inputShape, size: [height, width]});
    };
    return Object.fromEntries(factors.map((factor, i) => [i, () => (factor === 1 ? dSum : shrink(factor))]));
  },
});
