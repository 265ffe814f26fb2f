/** @file The loss of a head: what its outputs are compared with the targets by. */
import type * as tf from '@tensorflow/tfjs';
import type {ModelConfig} from '../config/modelSchema.js';
import {hardHeatmapMse, heatmapMse} from './heatmapMse.js';
import {simccKl} from './simccKl.js';

/**
 * @param outputs, targets one tensor [B, ...] for each of the codec's targets
 * @param weights [B, K]
 * @returns a scalar
 */
export type PoseLoss = (
  outputs: readonly tf.Tensor[],
  targets: readonly tf.Tensor[],
  weights: tf.Tensor2D,
) => tf.Scalar;

export function createLoss(head: ModelConfig['head']): PoseLoss {
  switch (head.type) {
    case 'heatmap':
      return ([heatmaps], [targets], weights) =>
        heatmapLoss(heatmaps as tf.Tensor4D, targets as tf.Tensor4D, weights, head.ohkm);
    case 'rdpose':
      return ([heatmaps], [targets], weights) =>
        heatmapMse(heatmaps as tf.Tensor4D, targets as tf.Tensor4D, weights);
    case 'simcc':
    case 'rtmcc':
      return (outputs, targets, weights) => simccKl(outputs, targets, weights, head);
  }
}

function heatmapLoss(
  heatmaps: tf.Tensor4D,
  targets: tf.Tensor4D,
  weights: tf.Tensor2D,
  ohkm: number | null,
): tf.Scalar {
  return ohkm === null
    ? heatmapMse(heatmaps, targets, weights)
    : hardHeatmapMse(heatmaps, targets, weights, ohkm);
}
