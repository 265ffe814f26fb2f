/**
 * @file PDM, off-target perturbation: in training the anchor and the features are mixed with those of a place that is not the
 * person's, as where people overlap; the targets stay. RDPose's code has nothing of it: this is a reconstruction.
 */
import * as tf from '@tensorflow/tfjs';
import type {PerturbationConfig} from '../../config/modelSchema.js';
import {OFF_TARGET_NUMBERS} from '../../data/offTarget.js';
import type {RandomStream} from '../../random.js';
import {type Anchor, embeddingsAt, type MapSize} from './anchor.js';

type Cell = readonly [x: number, y: number];

/** What is done to one sample; cells are whole. */
export interface SamplePerturbation {
  /** Of the person. */
  readonly centre: Cell;
  /** Near the centre, as a detector of centres would find it. */
  readonly anchor: Cell;
  /** Where something else is; the centre if there is no such place. */
  readonly place: Cell;
  /** Of something else in the anchor's embedding: from 0 to 1. */
  readonly mixing: number;
  /** Whether that is the anchor of the batch's next image, and not the place. */
  readonly otherImage: boolean;
  /** Of the place's features under the person. */
  readonly residue: number;
}

/**
 * Draws for every sample of a batch, as many numbers whatever it holds.
 * @param offTargets of `Batch`
 */
export function drawPerturbations(
  offTargets: Float32Array,
  [height, width]: MapSize,
  config: PerturbationConfig,
  random: RandomStream,
): SamplePerturbation[] {
  const count = offTargets.length / OFF_TARGET_NUMBERS;
  const inside = (x: number, y: number): Cell => [clamp(x, width), clamp(y, height)];
  return Array.from({length: count}, (_, sample) => {
    const at = sample * OFF_TARGET_NUMBERS;
    const [centreX, centreY, placeX, placeY, isPlace] = offTargets.subarray(at, at + OFF_TARGET_NUMBERS);
    const jitter = config.jitter * height;
    const anchor = inside(centreX + random.normal(0, jitter), centreY + random.normal(0, jitter));
    const mixing = random.uniform(0, config.mixing);
    const residue = random.uniform(0, config.residue);
    const otherImage = random.chance(config.otherImage) && count > 1;
    const centre = inside(centreX, centreY);
    if (isPlace !== 1)
      return {centre, anchor, place: centre, mixing: otherImage ? mixing : 0, otherImage, residue: 0};
    return {centre, anchor, place: inside(placeX, placeY), mixing, otherImage, residue};
  });
}

function clamp(position: number, size: number): number {
  return Math.min(size - 1, Math.max(0, Math.round(position)));
}

/** Anchors e′ = (1 − λ)·e + λ·(the embedding at the place, or at the anchor of the next image). */
export function perturbedAnchors(features: tf.Tensor4D, samples: readonly SamplePerturbation[]): Anchor {
  const [, , width, channels] = features.shape;
  const count = samples.length;
  const cell = ([x, y]: Cell) => y * width + x;
  const cells = samples.flatMap(({anchor, place}) => [cell(anchor), cell(place)]);
  const mix = new Float32Array(count * 2 * count);
  samples.forEach(({mixing, otherImage}, sample) => {
    const other = otherImage ? 2 * ((sample + 1) % count) : 2 * sample + 1;
    mix[2 * sample * count + 2 * sample] = 1 - mixing;
    mix[2 * sample * count + other] += mixing;
  });
  return tf.tidy(() => {
    const embeddings = tf.reshape(embeddingsAt(features, tf.tensor1d(cells, 'int32'), 2), [
      2 * count,
      channels,
    ]);
    const mixed = tf.matMul(tf.tensor2d(mix, [count, 2 * count]), embeddings);
    const embedding = tf.reshape(mixed, [count, 1, channels]) as tf.Tensor3D;
    return {embedding, position: tf.tensor2d(samples.map(({anchor}) => [...anchor]))};
  });
}

/**
 * F + μ·(F, moved so that the place comes to lie on the centre)·(a Gaussian around the centre). Moving and fading go along
 * one axis at a time, so that each is a product with a matrix; what would come from outside is 0.
 * @param features [B, H, W, C]
 * @param sigma of the Gaussian, in cells
 */
export function perturbedFeatures(
  features: tf.Tensor4D,
  samples: readonly SamplePerturbation[],
  sigma: number,
): tf.Tensor4D {
  const [batch, height, width, channels] = features.shape;
  const rows = samples.map(({centre, place, residue}) => moving(height, centre[1], place[1], sigma, residue));
  const columns = samples.map(({centre, place}) => moving(width, centre[0], place[0], sigma, 1));
  return tf.tidy(() => {
    const alongY = tf.matMul(
      tf.tensor3d(joined(rows), [batch, height, height]),
      tf.reshape(features, [batch, height, width * channels]),
    );
    const turned = tf.transpose(tf.reshape(alongY, [batch, height, width, channels]), [0, 2, 1, 3]);
    const alongX = tf.matMul(
      tf.tensor3d(joined(columns), [batch, width, width]),
      tf.reshape(turned, [batch, width, height * channels]),
    );
    const residue = tf.transpose(tf.reshape(alongX, [batch, width, height, channels]), [0, 2, 1, 3]);
    return tf.add(features, residue);
  });
}

/** Takes a line's value `from` to `to`, the others with it, times factor · exp(−(distance from `to`)² / 2σ²). */
function moving(length: number, to: number, from: number, sigma: number, factor: number): Float32Array {
  const matrix = new Float32Array(length * length);
  for (let at = 0; at < length; at++) {
    const source = at + from - to;
    if (source < 0 || source >= length) continue;
    matrix[at * length + source] = factor * Math.exp(-((at - to) ** 2) / (2 * sigma ** 2));
  }
  return matrix;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.length * parts[0].length);
  parts.forEach((part, i) => {
    all.set(part, i * part.length);
  });
  return all;
}
