/** @file Top-down pose estimation with a teacher: the task's own loss, and what the method adds to it. */
import * as tf from '@tensorflow/tfjs';
import type {DistillConfig} from '../../config/distillSchema.js';
import type {ModelConfig} from '../../config/modelSchema.js';
import type {KeypointSet} from '../../data/keypoints.js';
import type {Batch} from '../../data/types.js';
import type {Loss} from '../../engine/gradients.js';
import type {SupervisedOutputs} from '../../losses/supervised.js';
import {FeatureTap} from '../../models/featureTap.js';
import type {PoseModel} from '../../models/poseModel.js';
import type {Draws} from '../../random.js';
import {type TopDownInputs, TopDownTask} from '../topDown.js';
import type {DistilledModel} from './distilledModel.js';
import {tensorDraws} from './draws.js';
import {type LossTerm, summed, type Tapped} from './method.js';
import {factorAt} from './schedule.js';
import {recordNumbers, type TeacherCache} from './teacherCache.js';

export class DistillTask extends TopDownTask {
  readonly #taps: Readonly<Record<'student' | 'teacher', FeatureTap>>;
  readonly #schedule: DistillConfig['schedule'];
  /** Where what the teacher gives is kept; null: it is asked in every step. */
  cache: TeacherCache | null = null;

  constructor(
    override readonly model: DistilledModel,
    /** In evaluation mode; it is never changed. */
    readonly teacher: PoseModel,
    keypointSet: KeypointSet,
    config: Pick<ModelConfig, 'input' | 'head'>,
    {taps, schedule}: Pick<DistillConfig, 'taps' | 'schedule'>,
  ) {
    super(model, keypointSet, config);
    this.#taps = {
      student: new FeatureTap(model.backbone, taps.student, 'distill.taps.student'),
      teacher: new FeatureTap(teacher.backbone, taps.teacher, 'distill.taps.teacher'),
    };
    this.#schedule = schedule;
  }

  override upload(batch: Batch): TopDownInputs {
    return {...super.upload(batch), ...(this.cache && {records: recordNumbers(batch.samples)})};
  }

  protected override lossIn(inputs: TopDownInputs, draws: Draws): () => Loss {
    const {images, records} = inputs;
    // Not recorded: in the fused kernels of evaluation.
    const ask = (places: Int32Array) => this.taught(tf.gather(images, places));
    const taught = this.cache && records ? this.cache.taught(records, ask) : this.taught(images);
    return () => this.#total(inputs, taught, draws);
  }

  /** What the teacher gives for a batch. */
  taught(images: tf.Tensor4D): Tapped {
    const {backbone, head} = this.teacher;
    const {result, features} = this.#taps.teacher.take(() => ({features: backbone.forward(images)}));
    return {features, outputs: prediction(head.supervised(result.features, null))};
  }

  #total(inputs: TopDownInputs, taught: Tapped, draws: Draws): Loss {
    const {backbone, head, method} = this.model;
    const step = {draws, offTargets: inputs.offTargets ?? null};
    const {result, features} = this.#taps.student.take(() => backbone.forwardInTraining(inputs.images));
    const supervised = [...result.intermediate, ...head.supervised(result.features, step)];
    const {terms, refined} = method.distill({
      teacher: taught,
      student: {features, outputs: prediction(supervised)},
      draws: tensorDraws(draws('distill')),
      progress: this.progress,
    });
    const task: LossTerm = {name: 'task', loss: this.lossOf(supervised, inputs), weight: 1};
    const losses = [task, ...this.#scheduled(terms)];
    if (refined) {
      const loss = this.lossOf(head.supervised(refined.features, step), inputs);
      losses.push({name: 'refined', loss, weight: refined.weight});
    }
    return summed(losses);
  }

  #scheduled(terms: readonly LossTerm[]): LossTerm[] {
    const factor = factorAt(this.#schedule, this.progress);
    return terms.map((term) => (term.isOwn ? term : {...term, weight: term.weight * factor}));
  }
}

/** What a network is supervised in ends with what it predicts. */
function prediction(supervised: readonly SupervisedOutputs[]): readonly tf.Tensor[] {
  return supervised[supervised.length - 1].outputs;
}
