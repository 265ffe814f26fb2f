/** @file What a way of distilling is: from what teacher and student gave for a batch to terms of the loss. */
import * as tf from '@tensorflow/tfjs';
import type {Loss} from '../../engine/gradients.js';
import {Module} from '../../nn/module.js';
import type {TensorDraws} from './draws.js';

/** What a network gave for a batch. */
export interface Tapped {
  /** [B, H, W, C] where the method looks into the network. */
  readonly features: tf.Tensor4D;
  /** Its outputs, one for each of the codec's targets: heatmaps [B, H, W, K], or vectors [B, K, bins]. */
  readonly outputs: readonly tf.Tensor[];
}

export interface DistillStep {
  /** Constants: no gradient is wanted of them. */
  readonly teacher: Tapped;
  readonly student: Tapped;
  readonly draws: TensorDraws;
  /** The share of the training that is over: 0 at its start, 1 at its end. */
  readonly progress: number;
}

/** A part of the loss. */
export interface LossTerm {
  readonly name: string;
  readonly loss: tf.Scalar;
  readonly weight: number;
  /** Whether it reaches the method's own layers alone: then the schedule has no say in it. */
  readonly isOwn?: boolean;
}

export interface Distilled {
  readonly terms: LossTerm[];
  /** The student's features as the head gets them where the method takes part in inference, for the task's loss; else null. */
  readonly refined: {readonly features: tf.Tensor4D; readonly weight: number} | null;
}

/** Channels of the features of both. */
export interface FeatureChannels {
  readonly student: number;
  readonly teacher: number;
}

/** A way of distilling, with the layers that it trains beside the student. */
export abstract class DistillMethod extends Module {
  /** Changes the initial weights, once all are drawn; by default they are as drawn. */
  adjustStart(): void {}

  /**
   * The terms of a step, in which every parameter of the method takes part, whatever the weights are. What is made on the
   * way is freed by the caller's `tf.tidy`.
   */
  abstract distill(step: DistillStep): Distilled;

  /**
   * Inference with the method's layers: the student's features as its head gets them then.
   * @param features [B, H, W, C] of the student
   * @returns of the same shape; null if the method is for training alone
   */
  refine(_features: tf.Tensor4D, _draws: TensorDraws): tf.Tensor4D | null {
    return null;
  }
}

/**
 * The losses that there are, each with the weight under its name.
 * @param own those that reach the method's own layers alone
 */
export function weighted<Name extends string>(
  losses: Readonly<Record<NoInfer<Name>, tf.Scalar | null>>,
  weights: Readonly<Record<Name, number>>,
  own: readonly string[],
): LossTerm[] {
  return (Object.keys(weights) as Name[]).flatMap((name) => {
    const loss = losses[name];
    return loss ? [{name, loss, weight: weights[name], isOwn: own.includes(name)}] : [];
  });
}

/** Σ weight·loss, and each of these products. @param terms at least one, each of another name */
export function summed(terms: readonly LossTerm[]): Loss {
  return tf.tidy(() => {
    const products = terms.map(({loss, weight}) => tf.mul<tf.Scalar>(loss, weight));
    return {
      value: tf.addN(products),
      terms: Object.fromEntries(terms.map(({name}, i) => [name, products[i]])),
    };
  });
}
