/**
 * @file Heatmap codecs: one Gaussian a keypoint on a raster coarser than the input. MSRA's (Xiao et al. 2018, as in
 * HRNet's code), DARK's (Zhang et al. 2020) and UDP's (Huang et al. 2020) differ in a table. Heatmaps are [height, width,
 * keypoints].
 */
import {UserError} from '../errors.js';
import {withCentre} from './centre.js';
import type {Channel} from './channel.js';
import type {Codec, DecodedKeypoints, TargetLayout} from './codec.js';
import {type Draw, drawCentred, drawPatch, drawWhole, nearestCell, touches} from './gaussian.js';
import {type Convention, pixelsPerCell, type Size} from './grid.js';
import {darkOffset, quarterOffset, type Refine, udpOffset} from './refine.js';

export type HeatmapKind = 'msra' | 'dark' | 'udp';

/** Plain data: it goes to worker threads. */
export interface HeatmapSpec {
  readonly type: HeatmapKind;
  /** [height, width] of the network's input. */
  readonly input: Size;
  /** Input pixels a cell. */
  readonly stride: number;
  /** Of the Gaussian, in cells. */
  readonly sigma: number;
  readonly keypoints: number;
  /** Whether the person's centre has a map of its own, behind the keypoints'; it is learnt, and not decoded. */
  readonly centre?: boolean;
}

interface KindOfHeatmap {
  readonly convention: Convention;
  readonly flipShift: 0 | 1;
  readonly draw: (sigma: number) => Draw;
  readonly refine: (sigma: number) => Refine;
}

const KINDS: Record<HeatmapKind, KindOfHeatmap> = {
  msra: {convention: 'plain', flipShift: 1, draw: drawCentred, refine: () => quarterOffset},
  dark: {convention: 'plain', flipShift: 1, draw: drawWhole, refine: darkOffset},
  udp: {convention: 'udp', flipShift: 0, draw: drawPatch, refine: udpOffset},
};

export class HeatmapCodec implements Codec {
  readonly convention: Convention;
  readonly alignsFlipped: boolean;
  readonly targets: readonly [TargetLayout];
  readonly outputs: readonly [TargetLayout];
  readonly weights: number;
  readonly #height: number;
  readonly #width: number;
  readonly #keypoints: number;
  readonly #centre: boolean;
  readonly #sigma: number;
  /** [y, x]: input pixels a cell. */
  readonly #scale: readonly [number, number];
  readonly #draw: Draw;
  readonly #refine: Refine;

  /** @throws UserError if the input is no multiple of the stride */
  constructor({type, input, stride, sigma, keypoints, centre = false}: HeatmapSpec) {
    if (input.some((length) => length % stride !== 0)) {
      throw new UserError(
        'usage',
        `model.input: ${input.join('x')} is not a multiple of the stride ${stride}.`,
      );
    }
    const {convention, flipShift, draw, refine} = KINDS[type];
    const size = [input[0] / stride, input[1] / stride] as const;
    this.convention = convention;
    // A cell is wider than a pixel: HRNet's SHIFT_HEATMAP moves by a whole one where three quarters are missing.
    this.alignsFlipped = flipShift !== 0;
    const layout = (maps: number) => ({shape: [...size, maps], keypointAxis: 2, xAxis: 1, flipShift});
    this.weights = keypoints + Number(centre);
    this.targets = [layout(this.weights)];
    this.outputs = [layout(keypoints)];
    this.#centre = centre;
    [this.#height, this.#width, this.#keypoints] = [...size, keypoints];
    this.#sigma = sigma;
    this.#scale = pixelsPerCell(input, size, convention);
    this.#draw = draw(sigma);
    this.#refine = refine(sigma);
  }

  encode(
    labelled: Float64Array,
    [targets]: readonly Float32Array[],
    weights: Float32Array,
    slot: number,
  ): void {
    const [height, width, maps] = [this.#height, this.#width, this.weights];
    const [scaleY, scaleX] = this.#scale;
    const points = this.#centre ? withCentre(labelled) : labelled;
    const start = slot * height * width * maps;
    targets.fill(0, start, start + height * width * maps);
    for (let k = 0; k < maps; k++) {
      const [x, y] = [points[3 * k] / scaleX, points[3 * k + 1] / scaleY];
      const weight = points[3 * k + 2];
      const drawn = weight > 0 && touches(nearestCell(x), nearestCell(y), this.#sigma, height, width);
      weights[slot * maps + k] = drawn ? weight : 0;
      if (drawn) this.#draw({values: targets, offset: start + k, step: maps, width, height}, x, y);
    }
  }

  /** Scores are the heights of the (first) maxima; a heatmap without positive values gives (0, 0). */
  decode([heatmaps]: readonly Float32Array[], batch: number): DecodedKeypoints {
    const [height, width, keypoints] = [this.#height, this.#width, this.#keypoints];
    const [scaleY, scaleX] = this.#scale;
    const cells = height * width;
    const coordinates = new Float32Array(batch * keypoints * 2);
    const scores = new Float32Array(batch * keypoints);
    const bestCell = new Int32Array(keypoints);
    for (let sample = 0; sample < batch; sample++) {
      const start = sample * cells * keypoints;
      const best = scores.subarray(sample * keypoints, (sample + 1) * keypoints);
      findMaxima(heatmaps, start, cells, best, bestCell);
      for (let k = 0; k < keypoints; k++) {
        if (!(best[k] > 0)) continue;
        const x = bestCell[k] % width;
        const y = (bestCell[k] - x) / width;
        const channel: Channel = {values: heatmaps, offset: start + k, step: keypoints, width, height};
        const [dx, dy] = this.#refine(channel, x, y);
        const at = 2 * (sample * keypoints + k);
        coordinates[at] = (x + dx) * scaleX;
        coordinates[at + 1] = (y + dy) * scaleY;
      }
    }
    return {coordinates, scores};
  }
}

/** The greatest value of each channel and its first cell, in one pass in the order of memory. */
function findMaxima(
  heatmaps: Float32Array,
  offset: number,
  cells: number,
  best: Float32Array,
  bestCell: Int32Array,
): void {
  const channels = best.length;
  best.fill(Number.NEGATIVE_INFINITY);
  bestCell.fill(0);
  let at = offset;
  for (let cell = 0; cell < cells; cell++) {
    for (let k = 0; k < channels; k++, at++) {
      const value = heatmaps[at];
      if (value > best[k]) {
        best[k] = value;
        bestCell[k] = cell;
      }
    }
  }
}
