/** @file What a codec is: keypoints in pixels of the network's input <-> the numbers that a network is trained on. */
import type {Convention} from './grid.js';

/** Keypoints of a batch in pixels of the network's input. */
export interface DecodedKeypoints {
  /** [batch × keypoints × 2]: x, y */
  readonly coordinates: Float32Array;
  /** [batch × keypoints] */
  readonly scores: Float32Array;
}

/** One of the arrays that a sample is encoded into, or one of those that a network gives for it. */
export interface TargetLayout {
  /** Of one sample. */
  readonly shape: readonly number[];
  /** The axis of `shape` along which the keypoints lie. */
  readonly keypointAxis: number;
  /** The axis along which x runs; null if none does. */
  readonly xAxis: number | null;
  /**
   * By how many cells an output for a mirrored input is to be moved towards greater x, once it is mirrored back: mirroring
   * pixels and mirroring cells of another size differ by (cells a pixel − 1) cells, of which whole ones can be made good.
   */
  readonly flipShift: number;
}

/**
 * Targets and outputs are lists of row-major arrays [batch, ...shape], one for each of `targets`. A codec may hold scratch
 * memory, so that one codec serves one thread; no result depends on earlier calls.
 */
export interface Codec {
  /** How the input must have been cut out of the image. */
  readonly convention: Convention;
  readonly targets: readonly TargetLayout[];
  /** What keypoints are read from: the targets, without what is learnt besides keypoints. */
  readonly outputs: readonly TargetLayout[];
  /** How many weights in the loss a sample has. */
  readonly weights: number;
  /** Whether the published code makes `flipShift` good. */
  readonly alignsFlipped: boolean;

  /**
   * Writes one sample's targets and weights over whatever the arrays held.
   * @param points [keypoints × 3]: x, y in input pixels, and the weight in the loss, 0 for those not labelled
   * @param targets whole batches
   * @param weights [batch, this.weights]: set to 0 where the target would lie outside
   * @param slot the sample's place in the batch
   */
  encode(points: Float64Array, targets: readonly Float32Array[], weights: Float32Array, slot: number): void;

  /** @param outputs of a network, one for each of `outputs` */
  decode(outputs: readonly Float32Array[], batch: number): DecodedKeypoints;
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Numbers in one sample's targets. */
export function targetLength({targets}: Codec): number {
  return targets.reduce((sum, {shape}) => sum + size(shape), 0);
}

/** The parts of `values`, in which the arrays of a whole batch lie one after the other, each [batch, ...shape]. */
export function targetArrays({targets}: Codec, values: Float32Array, batch: number): Float32Array[] {
  let at = 0;
  return targets.map(({shape}) => {
    const start = at;
    at += batch * size(shape);
    return values.subarray(start, at);
  });
}
