/** @file The teacher's features as the student's goal (FitNets, Romero et al. 2015): a projection and a mean square. */
import * as tf from '@tensorflow/tfjs';
import {meanSquare} from '../../losses/meanSquare.js';
import {Conv2d} from '../../nn/layers.js';
import {type Distilled, DistillMethod, type DistillStep, type FeatureChannels} from './method.js';
import {sameSize} from './sameSize.js';

export interface FeatureSettings {
  readonly weight: number;
}

export class FeatureDistillation extends DistillMethod {
  /** From the student's channels to the teacher's. */
  readonly align: Conv2d;
  readonly #weight: number;

  constructor(channels: FeatureChannels, {weight}: FeatureSettings) {
    super();
    this.align = new Conv2d(channels.student, channels.teacher, 1);
    this.#weight = weight;
  }

  override distill({teacher, student}: DistillStep): Distilled {
    const aligned = sameSize(this.align.forward(student.features), teacher.features);
    return {terms: [this.#term(aligned, teacher.features)], refined: null};
  }

  #term(aligned: tf.Tensor4D, goal: tf.Tensor4D) {
    return {name: 'feature', loss: meanSquare(tf.sub(aligned, goal)), weight: this.#weight};
  }
}
