/** @file What a network gave for one person, as maps to look at: its heatmaps, or what SimCC's bins say together. */
import type {CaseOutput} from './extremeCases.js';
import type {TopDownTask} from './topDown.js';

type Maps = Pick<CaseOutput, 'heatmaps' | 'shape'>;

/** Bins to a cell of a map, along each axis: at two bins a pixel, cells of four pixels, as heatmaps have them. */
const BINS_A_CELL = 8;

/**
 * Copies the maps of sample `i`.
 * @param outputs of a batch, one array for each of the codec's outputs
 */
export function mapsOf(
  {codec, config: {head}}: Pick<TopDownTask, 'codec' | 'config'>,
  outputs: readonly Float32Array[],
  i: number,
): Maps {
  const parts = outputs.map((output, axis) => {
    const size = codec.outputs[axis].shape.reduce((product, length) => product * length, 1);
    return output.subarray(i * size, (i + 1) * size);
  });
  const [{shape}] = codec.outputs;
  if (!('beta' in head)) return {heatmaps: parts[0].slice(), shape: [shape[0], shape[1], shape[2]]};
  const [x, y] = parts.map((part) => heights(part, shape[0], head.beta));
  const [columns, rows] = [x, y].map((axis) => axis[0].length);
  const heatmaps = Float32Array.from({length: rows * columns * shape[0]}, (_, at) => {
    const k = at % shape[0];
    const cell = Math.floor(at / shape[0]);
    return x[k][cell % columns] * y[k][Math.floor(cell / columns)];
  });
  return {heatmaps, shape: [rows, columns, shape[0]]};
}

/** Of each keypoint, in cells: how probable the likeliest bin is beside the likeliest of all. */
function heights(bins: Float32Array, keypoints: number, beta: number): Float32Array[] {
  const count = bins.length / keypoints;
  return Array.from({length: keypoints}, (_, k) => {
    const own = bins.subarray(k * count, (k + 1) * count);
    const highest = Math.max(...own);
    return Float32Array.from({length: Math.ceil(count / BINS_A_CELL)}, (_, cell) => {
      const greatest = Math.max(...own.subarray(cell * BINS_A_CELL, (cell + 1) * BINS_A_CELL));
      return Math.exp(beta * (greatest - highest));
    });
  });
}
