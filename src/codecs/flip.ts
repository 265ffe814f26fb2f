/** @file The flip test: from what a network gives for mirrored inputs to outputs for the inputs themselves. */
import * as tf from '@tensorflow/tfjs';
import type {Codec} from './codec.js';

/**
 * Mirrors back, and swaps left and right.
 * @param outputs [batch, ...shape] for each of the codec's, of inputs whose pixel 0 became pixel width − 1
 * @param pairs keypoints that change places when the image is mirrored
 * @param align makes `flipShift` good; what the border then lacks repeats the border
 */
export function flipOutputs(
  {outputs: layouts}: Codec,
  outputs: readonly tf.Tensor[],
  pairs: readonly (readonly [number, number])[],
  align: boolean,
): tf.Tensor[] {
  return outputs.map((output, i) => {
    const {shape, keypointAxis, xAxis, flipShift} = layouts[i];
    const swapped = tf.gather(output, swappedOrder(shape[keypointAxis], pairs), keypointAxis + 1);
    if (xAxis === null) return swapped;
    const mirrored = tf.reverse(swapped, xAxis + 1);
    return align ? shifted(mirrored, xAxis + 1, flipShift) : mirrored;
  });
}

function swappedOrder(keypoints: number, pairs: readonly (readonly [number, number])[]): tf.Tensor1D {
  const order = Int32Array.from({length: keypoints}, (_, k) => k);
  for (const [left, right] of pairs) [order[left], order[right]] = [right, left];
  return tf.tensor1d(order, 'int32');
}

/** Moved by `cells` along an axis, towards its end if they are positive. */
function shifted(values: tf.Tensor, axis: number, cells: number): tf.Tensor {
  const length = values.shape[axis];
  const part = (start: number, count: number) => {
    const [begin, size] = [values.shape.map(() => 0), [...values.shape]];
    [begin[axis], size[axis]] = [start, count];
    return tf.slice(values, begin, size);
  };
  if (cells > 0) return tf.concat([part(0, cells), part(0, length - cells)], axis);
  if (cells < 0) return tf.concat([part(-cells, length + cells), part(length + cells, -cells)], axis);
  return values;
}
