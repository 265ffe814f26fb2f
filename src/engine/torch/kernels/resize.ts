/**
 * @file Resizing of images, in TensorFlow.js's three conventions of where a pixel lies: corners aligned, half-pixel
 * centres, and the older one in which pixel r of the output is r · input size / output size of the input. libtorch has
 * the first two; the third is put together from picked rows and columns.
 */
import {nchw} from '../layout.js';
import {type Handle, operator} from '../native.js';
import {constant} from './constant.js';
import {cast, isFloat, isNumeric, type Operand, register} from './register.js';

const bilinear = operator('upsample_bilinear2d');
const bilinearBackward = operator('upsample_bilinear2d_backward');
const pick = operator('index_select');
const addTo = operator('index_add');
const zeros = operator('zeros');
const mix = operator('lerp.Tensor');
const multiply = operator('mul.Tensor');
const subtract = operator('sub.Tensor');

interface ResizeAttributes {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
  readonly size: [number, number];
}

type Convention = Pick<ResizeAttributes, 'alignCorners' | 'halfPixelCenters'>;

const [ROWS, COLUMNS] = [1, 2]; // the axes of NHWC

/** The images as floating-point numbers, whatever they are. */
function floats(images: Operand): Handle {
  return images.dtype === 'float32' ? images.handle : cast(images.handle, 'float32');
}

/** What each cell of an output axis of the older convention is mixed from. */
interface Taps {
  readonly low: Handle;
  readonly high: Handle;
  /** The share of `high`, to be multiplied along the axis. */
  readonly share: Handle;
}

function taps(from: number, to: number, axis: number): Taps {
  const places = Array.from({length: to}, (_, i) => (from / to) * i);
  const low = places.map(Math.floor);
  const high = places.map((place) => Math.min(Math.ceil(place), from - 1));
  const share = places.map((place, i) => place - low[i]);
  return {
    low: constant(Int32Array.from(low), [to]),
    high: constant(Int32Array.from(high), [to]),
    share: constant(Float32Array.from(share), axis === ROWS ? [to, 1, 1] : [to, 1]),
  };
}

function mixed(image: Handle, axis: number, from: number, to: number): Handle {
  const {low, high, share} = taps(from, to, axis);
  return mix(pick(image, axis, low), pick(image, axis, high), share);
}

/** The adjoint of `mixed`: every cell hands its gradient to the two that it came from. */
function unmixed(dy: Handle, axis: number, shape: number[], to: number): Handle {
  const {low, high, share} = taps(shape[axis], to, axis);
  const toHigh = multiply(dy, share);
  return addTo(addTo(zeros(shape), axis, low, subtract(dy, toHigh)), axis, high, toHigh);
}

function isOlder({alignCorners, halfPixelCenters}: Convention): boolean {
  return !alignCorners && !halfPixelCenters;
}

// Where libtorch takes a pixel with weight 0, one that is not finite shows all the same.
register<ResizeAttributes>(
  'ResizeBilinear',
  ({images}, attributes) => {
    const [, height, width] = images.shape;
    const {size, alignCorners} = attributes;
    if (isOlder(attributes))
      return mixed(mixed(floats(images), COLUMNS, width, size[1]), ROWS, height, size[0]);
    const image = images.dtype === 'float32' ? images.nchw : cast(images.nchw, 'float32');
    return nchw(bilinear(image, size, alignCorners));
  },
  isNumeric,
);

/**
 * The derivative of `ResizeBilinear` in every convention. TensorFlow.js's backends in JavaScript differentiate
 * half-pixel centres as if they were the older convention.
 */
register<Convention>('ResizeBilinearGrad', ({dy, images}, convention) => {
  const [batch, height, width, channels] = images.shape;
  const [, toHeight, toWidth] = dy.shape;
  if (isOlder(convention)) {
    const rows = unmixed(dy.handle, ROWS, [batch, height, toWidth, channels], toHeight);
    return unmixed(rows, COLUMNS, [...images.shape], toWidth);
  }
  const sizes = [
    [toHeight, toWidth],
    [batch, channels, height, width],
  ];
  return nchw(bilinearBackward(dy.nchw, ...sizes, convention.alignCorners));
});

/** Which cell of the input each of the output shows; in JavaScript's doubles, since it hangs on the last digit. */
function nearest(from: number, to: number, {alignCorners, halfPixelCenters}: Convention): Handle {
  const isAligned = alignCorners && to > 1;
  const ratio = isAligned ? (from - 1) / (to - 1) : from / to;
  const indices = Int32Array.from({length: to}, (_, i) => {
    const place = ratio * (halfPixelCenters ? i + 0.5 : i);
    return Math.min(from - 1, alignCorners ? Math.round(place) : Math.floor(place));
  });
  return constant(indices, [to]);
}

register<ResizeAttributes>(
  'ResizeNearestNeighbor',
  ({images}, attributes) => {
    const [, height, width] = images.shape;
    const [toHeight, toWidth] = attributes.size;
    const columns = pick(images.handle, COLUMNS, nearest(width, toWidth, attributes));
    return pick(columns, ROWS, nearest(height, toHeight, attributes));
  },
  isNumeric,
);

/** The derivative of `ResizeNearestNeighbor`; of half-pixel centres, what is said above holds here too. */
register<Convention>(
  'ResizeNearestNeighborGrad',
  ({dy, images}, convention) => {
    const [batch, height, width, channels] = images.shape;
    const [, toHeight, toWidth] = dy.shape;
    const rows = zeros([batch, height, toWidth, channels]);
    const byRow = addTo(rows, ROWS, nearest(height, toHeight, convention), dy.handle);
    return addTo(zeros(images.shape), COLUMNS, nearest(width, toWidth, convention), byRow);
  },
  isFloat,
);
