/**
 * @file SimCC (Li et al. 2022): each coordinate is a class among bins finer than pixels, as RTMPose and RTMW train it.
 * Labels are x [keypoints, Wx] and y [keypoints, Wy].
 */
import type {Codec, DecodedKeypoints, TargetLayout} from './codec.js';
import type {Size} from './grid.js';

/** Plain data: it goes to worker threads. */
export interface SimccSpec {
  readonly type: 'simcc';
  /** [height, width] of the network's input. */
  readonly input: Size;
  /** Bins a pixel, 2 in every published network. */
  readonly splitRatio: number;
  /** [x, y]: of the labels' Gaussians, in bins. */
  readonly sigma: readonly [number, number];
  /** Divides labels by σ √(2π), so that they sum to about 1. */
  readonly normalize: boolean;
  readonly keypoints: number;
}

/** A keypoint is left out if not even so many sigma of its label reach the bins. */
const REACH = 3;

/** One of the two axes. */
class Axis {
  readonly bins: number;
  readonly #reach: number;
  /** The label so many bins from its middle. */
  readonly #labels: Float32Array;

  constructor(pixels: number, {splitRatio, normalize}: SimccSpec, sigma: number) {
    this.bins = Math.round(pixels * splitRatio);
    this.#reach = REACH * sigma;
    const height = normalize ? 1 / (sigma * Math.sqrt(2 * Math.PI)) : 1;
    const furthest = this.bins + Math.ceil(this.#reach) + 1;
    this.#labels = Float32Array.from(
      {length: furthest + 1},
      (_, distance) => height * Math.exp(-(distance ** 2) / (2 * sigma * sigma)),
    );
  }

  touches(bin: number): boolean {
    return bin - this.#reach < this.bins && bin + this.#reach + 1 >= 0;
  }

  draw(bin: number, targets: Float32Array, offset: number): void {
    for (let i = 0; i < this.bins; i++) targets[offset + i] = this.#labels[Math.abs(i - bin)];
  }
}

export class SimccCodec implements Codec {
  readonly convention = 'plain';
  /** MMPose averages with half a pixel between the two. */
  readonly alignsFlipped = false;
  readonly targets: readonly [TargetLayout, TargetLayout];
  readonly outputs: readonly TargetLayout[];
  readonly weights: number;
  readonly #keypoints: number;
  readonly #splitRatio: number;
  readonly #x: Axis;
  readonly #y: Axis;

  constructor(spec: SimccSpec) {
    const {input, sigma, keypoints, splitRatio} = spec;
    this.#splitRatio = splitRatio;
    this.#x = new Axis(input[1], spec, sigma[0]);
    this.#y = new Axis(input[0], spec, sigma[1]);
    this.#keypoints = keypoints;
    this.targets = [
      {shape: [keypoints, this.#x.bins], keypointAxis: 0, xAxis: 1, flipShift: 1 - Math.round(splitRatio)},
      {shape: [keypoints, this.#y.bins], keypointAxis: 0, xAxis: null, flipShift: 0},
    ];
    this.outputs = this.targets;
    this.weights = keypoints;
  }

  encode(
    points: Float64Array,
    [targetsX, targetsY]: readonly Float32Array[],
    weights: Float32Array,
    slot: number,
  ): void {
    const [keypoints, binsX, binsY] = [this.#keypoints, this.#x.bins, this.#y.bins];
    for (let k = 0; k < keypoints; k++) {
      const binX = roundHalfToEven(points[3 * k] * this.#splitRatio);
      const binY = roundHalfToEven(points[3 * k + 1] * this.#splitRatio);
      const weight = points[3 * k + 2];
      const drawn = weight > 0 && this.#x.touches(binX) && this.#y.touches(binY);
      const row = slot * keypoints + k;
      weights[row] = drawn ? weight : 0;
      if (drawn) {
        this.#x.draw(binX, targetsX, row * binsX);
        this.#y.draw(binY, targetsY, row * binsY);
      } else {
        targetsX.fill(0, row * binsX, (row + 1) * binsX);
        targetsY.fill(0, row * binsY, (row + 1) * binsY);
      }
    }
  }

  /**
   * The (first) greatest bin of each axis. The score is the lesser of the two heights; where it is not positive, the
   * keypoint is at bin −1 on both axes, as in MMPose.
   */
  decode([x, y]: readonly Float32Array[], batch: number): DecodedKeypoints {
    const [keypoints, binsX, binsY] = [this.#keypoints, this.#x.bins, this.#y.bins];
    const coordinates = new Float32Array(batch * keypoints * 2);
    const scores = new Float32Array(batch * keypoints);
    for (let row = 0; row < batch * keypoints; row++) {
      const bestX = greatest(x, row * binsX, binsX);
      const bestY = greatest(y, row * binsY, binsY);
      const score = Math.min(x[row * binsX + bestX], y[row * binsY + bestY]);
      scores[row] = score;
      coordinates[2 * row] = (score > 0 ? bestX : -1) / this.#splitRatio;
      coordinates[2 * row + 1] = (score > 0 ? bestY : -1) / this.#splitRatio;
    }
    return {coordinates, scores};
  }
}

/** NumPy's rounding, which has no preferred direction: mirroring commutes with it. */
function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** Where in `values[offset …]` the first greatest of `length` lies. */
function greatest(values: Float32Array, offset: number, length: number): number {
  let best = 0;
  for (let i = 1; i < length; i++) if (values[offset + i] > values[offset + best]) best = i;
  return best;
}
