/**
 * @file Heatmaps without the bias of whole cells: DARK (Zhang et al. 2020, "Distribution-Aware Coordinate Representation
 * for Human Pose Estimation"). It pays most where heatmaps are small.
 */

/** Values below it have no logarithm worth the name. */
const SMALLEST = 1e-10;

/**
 * Writes exp(−distance² / 2σ²) around a centre that may lie between cells (Sect. 3.2) into one channel that begins at
 * `offset`.
 * @param size [height, width]
 */
export function drawUnbiasedGaussian(
  x: number,
  y: number,
  {size: [height, width], sigma}: {readonly size: readonly [number, number]; readonly sigma: number},
  targets: Float32Array,
  offset: number,
  channels: number,
): void {
  const factor = -1 / (2 * sigma * sigma);
  const columns = Float64Array.from({length: width}, (_, column) => Math.exp(factor * (column - x) ** 2));
  for (let row = 0; row < height; row++) {
    const value = Math.exp(factor * (row - y) ** 2);
    for (let column = 0; column < width; column++) {
      targets[offset + (row * width + column) * channels] = value * columns[column];
    }
  }
}

/** Half of the taps of a Gaussian, its middle first; over the whole kernel they sum to 1. */
function gaussianTaps(sigma: number): Float64Array {
  // As wide as in the paper's code: 11 taps for a sigma of 2, 17 for one of 3.
  const radius = Math.round(2.5 * sigma);
  const taps = Float64Array.from({length: radius + 1}, (_, i) => Math.exp((-i * i) / (2 * sigma * sigma)));
  const sum = taps.reduce((total, tap) => total + 2 * tap, -taps[0]);
  return taps.map((tap) => tap / sum);
}

/** Convolves along one axis, zeros around; `step` cells lie between neighbours, and `length` are in a line. */
function blurLines(values: Float64Array, taps: Float64Array, step: number, length: number): Float64Array {
  return values.map((value, i) => {
    const place = Math.floor(i / step) % length;
    let sum = value * taps[0];
    for (let distance = 1; distance < taps.length; distance++) {
      if (place >= distance) sum += taps[distance] * values[i - distance * step];
      if (place + distance < length) sum += taps[distance] * values[i + distance * step];
    }
    return sum;
  });
}

/** One heatmap smoothed by a Gaussian of the targets' sigma (Eq. 10), as logarithms. */
function smoothLogarithm(heatmap: Float64Array, [height, width]: readonly [number, number], sigma: number) {
  const taps = gaussianTaps(sigma);
  const smooth = blurLines(blurLines(heatmap, taps, 1, width), taps, width, height);
  // The height of the maximum, which the paper restores (Eq. 11), is only a constant in the logarithm.
  return smooth.map((value) => Math.log(Math.max(value, SMALLEST)));
}

/**
 * How far from the maximum's cell the mode of the Gaussian lies that fits around it: a Taylor expansion to the second
 * order of the smoothed logarithm (Eqs. 6–9). (0, 0) within two cells of a border, or where no maximum fits.
 * @param heatmap [height, width] of one keypoint
 * @param size [height, width]
 * @returns x and y in cells
 */
export function taylorOffset(
  heatmap: Float64Array,
  size: readonly [number, number],
  x: number,
  y: number,
  sigma: number,
): [number, number] {
  const [height, width] = size;
  if (x <= 1 || x >= width - 2 || y <= 1 || y >= height - 2) return [0, 0];
  const logarithm = smoothLogarithm(heatmap, size, sigma);
  const at = (dx: number, dy: number) => logarithm[(y + dy) * width + x + dx];
  const gx = (at(1, 0) - at(-1, 0)) / 2;
  const gy = (at(0, 1) - at(0, -1)) / 2;
  const hxx = (at(2, 0) - 2 * at(0, 0) + at(-2, 0)) / 4;
  const hyy = (at(0, 2) - 2 * at(0, 0) + at(0, -2)) / 4;
  const hxy = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4;
  const determinant = hxx * hyy - hxy * hxy;
  if (determinant === 0) return [0, 0];
  return [(hxy * gy - hyy * gx) / determinant, (hxy * gx - hxx * gy) / determinant];
}
