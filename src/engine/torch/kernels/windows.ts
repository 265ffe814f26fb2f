/** @file How TensorFlow.js slides a window over an image, told as libtorch's padding. */
import type * as tf from '@tensorflow/tfjs';
import {type Handle, operator} from '../native.js';

const pad = operator('constant_pad_nd');
const slice = operator('slice.Tensor');

export type WindowInfo = tf.backend_util.Conv2DInfo;
export type Shape4D = [number, number, number, number];

/** What windows need to be sized by; TensorFlow.js passes it as a kernel's attributes. */
export interface WindowAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Cells beyond each edge: left, right, top, bottom. */
export type Margins = readonly [number, number, number, number];

export const NO_MARGINS: Margins = [0, 0, 0, 0];

export function strides({strideHeight, strideWidth}: WindowInfo): [number, number] {
  return [strideHeight, strideWidth];
}

/** The cells that the windows reach into. Rounding may leave the last one short of the padding, or send it beyond. */
export function marginsOf(info: WindowInfo): Margins {
  const {left, top} = info.padInfo;
  const right = (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth - info.inWidth - left;
  const bottom = (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight - info.inHeight - top;
  return [left, Math.max(0, right), top, Math.max(0, bottom)];
}

/** An NCHW handle with margins of one value; itself if there are none. */
export function withMargins(image: Handle, margins: Margins, value: number): Handle {
  return margins.some((margin) => margin !== 0) ? pad(image, [...margins], value) : image;
}

/** Takes the margins off an NCHW handle. */
export function withoutMargins(image: Handle, [left, right, top, bottom]: Margins, info: WindowInfo): Handle {
  const {inHeight, inWidth} = info;
  const rows = top + bottom > 0 ? slice(image, 2, top, top + inHeight, 1) : image;
  return left + right > 0 ? slice(rows, 3, left, left + inWidth, 1) : rows;
}
