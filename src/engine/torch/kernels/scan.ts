/** @file Running sums and products along an axis. */
import * as tf from '@tensorflow/tfjs';
import {type Handle, operator} from '../native.js';
import {type Accepts, isFloat, isNumeric, register, scalarType} from './register.js';

const flip = operator('flip');
const pad = operator('constant_pad_nd');
const slice = operator('slice.Tensor');

interface ScanAttributes {
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

/** Every element moves on by one; the last is dropped, and the first is the neutral one. */
function shifted(x: Handle, axis: number, shape: readonly number[], neutral: number): Handle {
  // libtorch counts the padded axes from the last.
  const margins = shape.flatMap((_, i) => (shape.length - 1 - i === axis ? [1, 0] : [0, 0]));
  return pad(slice(x, axis, 0, shape[axis] - 1, 1), margins, neutral);
}

function scan(name: string, aten: string, neutral: number, accepts: Accepts<ScanAttributes>): void {
  const accumulate = operator(aten);
  register<ScanAttributes>(
    name,
    ({x}, {axis, exclusive, reverse}) => {
      const [along] = tf.util.parseAxisParam(axis, [...x.shape]);
      const forward = reverse ? flip(x.handle, [along]) : x.handle;
      const terms = exclusive ? shifted(forward, along, x.shape, neutral) : forward;
      const result = accumulate(terms, along, scalarType(x.dtype));
      return reverse ? flip(result, [along]) : result;
    },
    (inputs, attributes) => accepts(inputs, attributes) && tf.util.sizeFromShape(inputs[0].shape) > 0,
  );
}

scan('Cumsum', 'cumsum', 0, isNumeric);
// Products of integers soon leave the range in which JavaScript is exact.
scan('Cumprod', 'cumprod', 1, isFloat);
