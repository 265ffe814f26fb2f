/**
 * @file Target Gaussians exp(−distance² / 2σ²) on a heatmap: around the nearest cell (Xiao et al. 2018), around the
 * keypoint itself (DARK), around the keypoint but cut off (UDP).
 */
import type {Channel} from './channel.js';

/** Draws the Gaussian of a keypoint at (x, y) cells into a channel of zeros. */
export type Draw = (channel: Channel, x: number, y: number) => void;

/** HRNet cuts its Gaussians off at so many sigma. */
const REACH = 3;

/** Truncated, not rounded down, like Python's int(): it differs left of the first cell and above it. */
export function nearestCell(position: number): number {
  return Math.trunc(position + 0.5);
}

/** Whether HRNet counts a keypoint at the cell (x, y) as inside: its patch reaches the map, or ends right before it. */
export function touches(x: number, y: number, sigma: number, height: number, width: number): boolean {
  const reach = REACH * sigma;
  const [left, top] = [Math.trunc(x - reach), Math.trunc(y - reach)];
  const [right, bottom] = [Math.trunc(x + reach + 1), Math.trunc(y + reach + 1)];
  return left < width && top < height && right >= 0 && bottom >= 0;
}

/** Around the nearest cell, cut off at three sigma. */
export function drawCentred(sigma: number): Draw {
  const reach = Math.floor(REACH * sigma);
  // Squares of distances between cells are integers.
  const values = Float32Array.from({length: 2 * reach * reach + 1}, (_, squared) =>
    Math.exp(-squared / (2 * sigma * sigma)),
  );
  return ({values: map, offset, step, width, height}, exactX, exactY) => {
    const [x, y] = [nearestCell(exactX), nearestCell(exactY)];
    const [left, right] = [Math.max(0, x - reach), Math.min(width - 1, x + reach)];
    for (let row = Math.max(0, y - reach); row <= Math.min(height - 1, y + reach); row++) {
      let at = offset + (row * width + left) * step;
      for (let column = left; column <= right; column++, at += step) {
        map[at] = values[(column - x) ** 2 + (row - y) ** 2];
      }
    }
  };
}

/** Around the keypoint itself, over the whole map (Zhang et al. 2020, Sect. 3.2). */
export function drawWhole(sigma: number): Draw {
  return (channel, x, y) => drawExact(channel, x, y, sigma, 0, channel.width - 1, 0, channel.height - 1);
}

/** Around the keypoint itself, over the cells that `drawCentred` would fill (Huang et al. 2020). */
export function drawPatch(sigma: number): Draw {
  const reach = Math.floor(REACH * sigma);
  return (channel, x, y) => {
    const [column, row] = [nearestCell(x), nearestCell(y)];
    const {width, height} = channel;
    const [left, right] = [Math.max(0, column - reach), Math.min(width - 1, column + reach)];
    const [top, bottom] = [Math.max(0, row - reach), Math.min(height - 1, row + reach)];
    drawExact(channel, x, y, sigma, left, right, top, bottom);
  };
}

/** The Gaussian is the product of one along x and one along y: both bounds belong to the rectangle. */
function drawExact(
  {values, offset, step, width}: Channel,
  x: number,
  y: number,
  sigma: number,
  left: number,
  right: number,
  top: number,
  bottom: number,
): void {
  if (right < left) return;
  const factor = -1 / (2 * sigma * sigma);
  const alongX = new Float64Array(right - left + 1);
  for (let column = left; column <= right; column++) {
    alongX[column - left] = Math.exp(factor * (column - x) ** 2);
  }
  for (let row = top; row <= bottom; row++) {
    const alongY = Math.exp(factor * (row - y) ** 2);
    let at = offset + (row * width + left) * step;
    for (let i = 0; i < alongX.length; i++, at += step) values[at] = alongY * alongX[i];
  }
}
