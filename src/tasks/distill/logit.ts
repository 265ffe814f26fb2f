/** @file The teacher's outputs as the student's goal: a mean square of heatmaps, or the divergence of distributions over bins. */
import * as tf from '@tensorflow/tfjs';
import {logSoftmax} from '../../engine/ops/softmax.js';
import {meanSquare} from '../../losses/meanSquare.js';
import {type Distilled, DistillMethod, type DistillStep} from './method.js';

export interface LogitSettings {
  /** squares: half the mean square, as HRNet's loss on heatmaps; divergence: of each keypoint's distribution over its bins or cells. */
  readonly loss: 'squares' | 'divergence';
  /** divergence: factor of the outputs before their softmax; 10 in RTMPose. */
  readonly sharpness: number;
  readonly weight: number;
}

/** Nothing of it is learned. */
export class LogitDistillation extends DistillMethod {
  constructor(private readonly settings: LogitSettings) {
    super();
  }

  override distill({teacher, student}: DistillStep): Distilled {
    const {weight} = this.settings;
    const loss = logitLoss(student.outputs, teacher.outputs, this.settings);
    return {terms: [{name: 'logit', loss, weight}], refined: null};
  }
}

/** The sum over the outputs, of which the codec may have several. */
export function logitLoss(
  student: readonly tf.Tensor[],
  teacher: readonly tf.Tensor[],
  {loss, sharpness}: Pick<LogitSettings, 'loss' | 'sharpness'>,
): tf.Scalar {
  const compare = (output: tf.Tensor, goal: tf.Tensor) =>
    loss === 'squares'
      ? tf.mul<tf.Scalar>(meanSquare(tf.sub(output, goal)), 0.5)
      : divergence(output, goal, sharpness);
  return tf.tidy(() => tf.addN(student.map((output, i) => compare(output, teacher[i]))));
}

/**
 * KL(softmax(β·teacher) ‖ softmax(β·student)), summed over bins, averaged over keypoints and batch (DWPose, Yang et
 * al. 2023, for the vectors of SimCC). All keypoints count, labelled or not.
 * @param student, teacher vectors [B, K, bins] or heatmaps [B, H, W, K]
 */
export function divergence(student: tf.Tensor, teacher: tf.Tensor, sharpness: number): tf.Scalar {
  return tf.tidy(() => {
    const [logStudent, logTeacher] = [student, teacher].map((output) =>
      logSoftmax(tf.mul(distributions(output), sharpness)),
    );
    const pointwise = tf.mul(tf.exp(logTeacher), tf.sub(logTeacher, logStudent));
    return tf.mean<tf.Scalar>(tf.sum(pointwise, 1));
  });
}

/** [B·K, bins]: a row for each keypoint of each sample. */
function distributions(output: tf.Tensor): tf.Tensor2D {
  const byKeypoint = output.rank === 4 ? tf.transpose(output, [0, 3, 1, 2]) : output;
  const [batch, keypoints] = byKeypoint.shape;
  return tf.reshape(byKeypoint, [batch * keypoints, -1]);
}
