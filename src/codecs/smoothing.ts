/**
 * @file The neighbourhood of a heatmap's maximum after Gaussian smoothing, as logarithms: what DARK and UDP fit a
 * Gaussian to (Zhang et al. 2020, Eqs. 6–11). Only the cells that the fit looks at are smoothed.
 */
import {type Channel, NOWHERE, type Offset} from './channel.js';

/**
 * Half of the taps of the smoothing kernel, its middle first; over the whole kernel they sum to 1. The kernel is the
 * published code's: the widest odd one whose OpenCV sigma, 0.3 (radius − 1) + 0.8, is not above the targets' sigma. That
 * gives 11 taps for a sigma of 2, 17 for one of 3, 7 for one of 1.5.
 */
export function smoothingTaps(targetSigma: number): Float64Array {
  const radius = Math.max(0, Math.floor((10 * targetSigma - 5) / 3 + 1e-9));
  const sigma = 0.3 * (radius - 1) + 0.8;
  const taps = Float64Array.from({length: radius + 1}, (_, i) => Math.exp((-i * i) / (2 * sigma * sigma)));
  const sum = taps.reduce((total, tap) => total + 2 * tap, -taps[0]);
  return taps.map((tap) => tap / sum);
}

/** The logarithms around a maximum; `at(dx, dy)` is that of the cell so far from it. */
export class SmoothedPatch {
  readonly #taps: Float64Array;
  readonly #reach: number;
  readonly #range: readonly [number, number];
  /** Sides of the patch, and of the window of cells that it depends on. */
  readonly #side: number;
  readonly #span: number;
  /** [span, span], then smoothed along x: [span, side], then along y as well: [side, side]. */
  readonly #window: Float64Array;
  readonly #rows: Float64Array;
  readonly #logs: Float64Array;

  /**
   * @param reach cells on each side of the maximum
   * @param range values beyond it are drawn to it before the logarithm
   */
  constructor(targetSigma: number, reach: number, range: readonly [number, number]) {
    this.#taps = smoothingTaps(targetSigma);
    this.#reach = reach;
    this.#range = range;
    this.#side = 2 * reach + 1;
    this.#span = this.#side + 2 * (this.#taps.length - 1);
    this.#window = new Float64Array(this.#span * this.#span);
    this.#rows = new Float64Array(this.#span * this.#side);
    this.#logs = new Float64Array(this.#side * this.#side);
  }

  at(dx: number, dy: number): number {
    return this.#logs[(dy + this.#reach) * this.#side + dx + this.#reach];
  }

  /**
   * Smooths around the maximum at (x, y). For the kernel there are zeros outside the map; the patch repeats the border's
   * cells. The maximum gets its height back, which the paper restores over the whole map (Eq. 11); it matters only for
   * what `range` cuts off.
   * @returns false if nothing positive is left of the maximum
   */
  smooth(channel: Channel, x: number, y: number): boolean {
    const [reach, side, span] = [this.#reach, this.#side, this.#span];
    const [low, high] = this.#range;
    const margin = this.#taps.length - 1 + reach;
    this.#load(channel, x - margin, y - margin);
    for (let i = 0; i < side; i++) {
      const column = clamp(x + i - reach, channel.width) - x + margin;
      for (let row = 0; row < span; row++) {
        this.#rows[row * side + i] = this.#weigh(this.#window, row * span + column, 1);
      }
    }
    const centre = this.#weigh(this.#rows, margin * side + reach, side);
    if (!(centre > 0)) return false;
    const restored = this.#window[margin * span + margin] / centre;
    for (let j = 0; j < side; j++) {
      const row = clamp(y + j - reach, channel.height) - y + margin;
      for (let i = 0; i < side; i++) {
        const value = restored * this.#weigh(this.#rows, row * side + i, side);
        this.#logs[j * side + i] = Math.log(Math.min(high, Math.max(low, value)));
      }
    }
    return true;
  }

  /** Copies the window whose first cell is (left, top), with zeros outside the map. */
  #load({values, offset, step, width, height}: Channel, left: number, top: number): void {
    const span = this.#span;
    let to = 0;
    for (let row = top; row < top + span; row++) {
      const isInside = row >= 0 && row < height;
      let from = offset + (row * width + left) * step;
      for (let column = left; column < left + span; column++, from += step) {
        this.#window[to++] = isInside && column >= 0 && column < width ? values[from] : 0;
      }
    }
  }

  /** The kernel at `at`, its neighbours `step` apart. */
  #weigh(values: Float64Array, at: number, step: number): number {
    const taps = this.#taps;
    let sum = values[at] * taps[0];
    for (let i = 1; i < taps.length; i++) sum += taps[i] * (values[at - i * step] + values[at + i * step]);
    return sum;
  }
}

function clamp(cell: number, cells: number): number {
  return Math.min(cells - 1, Math.max(0, cell));
}

/**
 * Where a quadratic with this gradient and these second derivatives has its maximum: one step of Newton's method.
 * (0, 0) where it has none. The published code goes to the saddle or minimum then, which is no keypoint.
 */
export function newtonStep(gx: number, gy: number, hxx: number, hyy: number, hxy: number): Offset {
  const determinant = hxx * hyy - hxy * hxy;
  if (!(determinant > 0 && hxx < 0)) return NOWHERE;
  return [(hxy * gy - hyy * gx) / determinant, (hxy * gx - hxx * gy) / determinant];
}
