/**
 * @file DWPose's distillation in two stages (Yang et al. 2023). In the first the student learns from the teacher's last
 * features and from its outputs, less and less of either. In the second it is its own teacher: a new head learns on the
 * features of the first stage's student, from the outputs of that student's head: that is `LogitDistillation` by
 * divergence, with a constant weight.
 */
import * as tf from '@tensorflow/tfjs';
import {Conv2d} from '../../nn/layers.js';
import {logitLoss} from './logit.js';
import {type Distilled, DistillMethod, type DistillStep, type FeatureChannels} from './method.js';
import {sameSize} from './sameSize.js';

export interface DwposeSettings {
  /** Of the squares that are summed over cells and channels; 7e-5 in DWPose. */
  readonly featureWeight: number;
  /** Of the divergence of the outputs; 0.1 in DWPose. */
  readonly logitWeight: number;
  /** Factor of the outputs before their softmax: that of the student's own loss, 10 in RTMPose. */
  readonly sharpness: number;
}

/** Stage 1: both terms fall from their weights to nothing. */
export class DwposeFirstStage extends DistillMethod {
  /** From the student's channels to the teacher's. */
  readonly align: Conv2d;

  constructor(
    channels: FeatureChannels,
    private readonly settings: DwposeSettings,
  ) {
    super();
    this.align = new Conv2d(channels.student, channels.teacher, 1);
  }

  override distill({teacher, student, progress}: DistillStep): Distilled {
    const {featureWeight, logitWeight, sharpness} = this.settings;
    const left = 1 - progress;
    const feature = this.#featureLoss(student.features, teacher.features);
    const logit = logitLoss(student.outputs, teacher.outputs, {loss: 'divergence', sharpness});
    const terms = [
      {name: 'feature', loss: feature, weight: featureWeight * left},
      {name: 'logit', loss: logit, weight: logitWeight * left},
    ];
    return {terms, refined: null};
  }

  /** Σ(align(student) − teacher)², averaged over the batch alone. */
  #featureLoss(student: tf.Tensor4D, teacher: tf.Tensor4D): tf.Scalar {
    return tf.tidy(() => {
      const aligned = sameSize(this.align.forward(student), teacher);
      const sum = tf.sum(tf.squaredDifference(aligned, teacher));
      return tf.div<tf.Scalar>(sum, teacher.shape[0]);
    });
  }
}
