/** @file Boxes cut out of images and resized: places in doubles as in JavaScript, pixels by their number. */
import type * as tf from '@tensorflow/tfjs';
import {type Handle, operator, SCALAR_TYPES} from '../native.js';
import {constant} from './constant.js';
import {cast, type Operand, register} from './register.js';

const add = operator('add.Tensor');
const addNumber = operator('add.Scalar');
const subtract = operator('sub.Tensor');
const multiply = operator('mul.Tensor');
const times = operator('mul.Scalar');
const over = operator('div.Scalar');
const floor = operator('floor');
const ceil = operator('ceil');
const clamp = operator('clamp');
const isBelow = operator('lt.Scalar');
const isAbove = operator('gt.Scalar');
const isAtLeast = operator('ge.Scalar');
const or = operator('logical_or');
const fill = operator('masked_fill.Scalar');
const mix = operator('lerp.Tensor');
const pick = operator('index_select');
const select = operator('select.int');
const reshape = operator('reshape');
const unsqueeze = operator('unsqueeze');
const to = operator('to.dtype');
const replaceNaN = operator('nan_to_num');

interface CropAttributes {
  readonly cropSize: [number, number];
  readonly method: 'bilinear' | 'nearest';
  readonly extrapolationValue: number;
}

/** Places along one axis of the image, [boxes, cells], in doubles. */
function places(boxes: Handle, first: number, length: number, cells: number): Handle {
  const [start, end] = [first, first + 2].map((column) =>
    reshape(to(select(boxes, 1, column), SCALAR_TYPES.float64), [-1, 1]),
  );
  if (cells === 1) return times(times(add(start, end), 0.5), length - 1);
  const step = over(times(subtract(end, start), length - 1), cells - 1);
  const numbers = constant(
    Int32Array.from({length: cells}, (_, i) => i),
    [1, cells],
  );
  return add(times(start, length - 1), multiply(step, numbers));
}

/** Whether places are beyond the image. */
function isOutside(place: Handle, length: number): Handle {
  return or(isBelow(place, 0), isAbove(place, length - 1));
}

/** Rounded places as numbers of cells that the image has. */
function cellOf(rounded: Handle, length: number): Handle {
  return to(clamp(replaceNaN(rounded, 0), 0, length - 1), SCALAR_TYPES.int64);
}

class Crops {
  readonly #shape: readonly number[];
  readonly #pixels: Handle;
  readonly #offset: Handle;

  constructor(
    image: Operand,
    boxInd: Handle,
    private readonly cropSize: readonly [number, number],
  ) {
    const [batch, height, width, channels] = image.shape;
    this.#shape = image.shape;
    this.#pixels = cast(reshape(image.handle, [batch * height * width, channels]), 'float32');
    const known = to(clamp(boxInd, null, batch - 1), SCALAR_TYPES.int64);
    this.#offset = reshape(times(known, height * width), [-1, 1, 1]);
  }

  /** The pixels at [boxes, rows] and [boxes, columns], as [boxes, rows, columns, channels]. */
  at(rows: Handle, columns: Handle): Handle {
    const [, , width, channels] = this.#shape;
    const [height, crop] = this.cropSize;
    const lines = add(this.#offset, reshape(times(rows, width), [-1, height, 1]));
    const numbers = add(lines, reshape(columns, [-1, 1, crop]));
    return reshape(pick(this.#pixels, 0, reshape(numbers, [-1])), [-1, height, crop, channels]);
  }
}

register<CropAttributes>(
  'CropAndResize',
  ({image, boxes, boxInd}, {cropSize, method, extrapolationValue}) => {
    const [batch, height, width] = image.shape;
    const [rows, columns] = cropSize;
    const y = places(boxes.handle, 0, height, rows);
    const x = places(boxes.handle, 1, width, columns);
    const crops = new Crops(image, boxInd.handle, cropSize);
    const values =
      method === 'bilinear' ? mixed(crops, x, y, [height, width]) : closest(crops, x, y, [height, width]);
    const beyondRows = reshape(isOutside(y, height), [-1, rows, 1, 1]);
    const beyondColumns = reshape(isOutside(x, width), [-1, 1, columns, 1]);
    const extended = fill(values, or(beyondRows, beyondColumns), extrapolationValue);
    // A box of an image that is not there stays black.
    return fill(extended, reshape(isAtLeast(boxInd.handle, batch), [-1, 1, 1, 1]), 0);
  },
  ([image, boxes, boxInd], {cropSize}) => accepts(image, boxes, boxInd, cropSize),
);

function accepts(
  image: tf.TensorInfo,
  boxes: tf.TensorInfo,
  boxInd: tf.TensorInfo,
  cropSize: number[],
): boolean {
  const isImage = image.dtype === 'float32' || image.dtype === 'int32';
  const isFilled = [...image.shape, ...boxes.shape, ...cropSize].every((size) => size > 0);
  return isImage && isFilled && boxes.dtype === 'float32' && boxInd.dtype === 'int32';
}

function mixed(crops: Crops, x: Handle, y: Handle, [height, width]: number[]): Handle {
  const [top, left] = [floor(y), floor(x)];
  const [rows, nextRows] = [cellOf(top, height), cellOf(ceil(y), height)];
  const [columns, nextColumns] = [cellOf(left, width), cellOf(ceil(x), width)];
  const shareOfNextColumn = share(x, left, 1);
  const line = (at: Handle) => mix(crops.at(at, columns), crops.at(at, nextColumns), shareOfNextColumn);
  return mix(line(rows), line(nextRows), share(y, top, 2));
}

/** How far places are past a cell, for [boxes, rows, columns, channels]; `axis` is that which they do not lie along. */
function share(place: Handle, cell: Handle, axis: 1 | 2): Handle {
  return unsqueeze(unsqueeze(cast(subtract(place, cell), 'float32'), axis), 3);
}

function closest(crops: Crops, x: Handle, y: Handle, [height, width]: number[]): Handle {
  // Halves are rounded up, as in JavaScript.
  const round = (place: Handle, length: number) => cellOf(floor(addNumber(place, 0.5)), length);
  return crops.at(round(y, height), round(x, width));
}
