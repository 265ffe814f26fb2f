/** @file The network that a student learns from: opened once, and never changed. */
import {loadWeights} from '../../checkpoint/weights.js';
import type {Codec} from '../../codecs/codec.js';
import {codecSpec, createCodec} from '../../codecs/create.js';
import type {DistillConfig} from '../../config/distillSchema.js';
import {loadConfig} from '../../config/load.js';
import type {Config} from '../../config/schema.js';
import {UserError} from '../../errors.js';
import type {PoseModel} from '../../models/poseModel.js';
import {buildModel} from '../../models/registry.js';
import {loadStateDict} from '../../nn/stateDict.js';
import type {TopDownTask} from '../topDown.js';
import {studentState} from './distilledModel.js';

export function teacherConfig({teacher}: DistillConfig): Config {
  return loadConfig(teacher.config).config;
}

/**
 * Builds the teacher of a student, with its weights, in evaluation for good.
 * @throws UserError if it is of another input, of other keypoints, or gives outputs that the method cannot compare
 */
export async function openTeacher(
  distill: DistillConfig,
  dataset: Config['dataset'],
  student: TopDownTask,
): Promise<PoseModel> {
  const config = teacherConfig(distill);
  checkKeypoints(distill, config.dataset.keypoints, dataset.keypoints);
  const keypoints = student.keypointSet.names.length;
  const model = buildModel(config.model, keypoints, 0);
  checkInput(distill, config, student);
  checkCodecs(distill, createCodec(codecSpec(config.model, model.stride, keypoints)), student.codec);
  const {checkpoint} = distill.teacher;
  loadStateDict(model, studentState(await loadWeights(checkpoint)), checkpoint);
  return model.freeze();
}

function misfit({teacher}: DistillConfig, text: string): UserError {
  return new UserError('usage', `distill.teacher.config: ${teacher.config} ${text}.`);
}

function checkKeypoints(distill: DistillConfig, own: string, wanted: string): void {
  if (own !== wanted)
    throw misfit(distill, `is of the keypoints ${own}, the student of ${wanted}; give a teacher of the same`);
}

function checkInput(distill: DistillConfig, {model}: Config, student: TopDownTask): void {
  const [own, wanted] = [model.input, student.config.input].map((size) => `[${size.join(', ')}]`);
  if (own !== wanted)
    throw misfit(
      distill,
      `has the input ${own}, the student ${wanted}; both see the same images: set model.input`,
    );
}

/** Ways of distilling that compare outputs. */
const OF_OUTPUTS: readonly DistillConfig['method']['type'][] = ['logit', 'dwpose'];

function checkCodecs(distill: DistillConfig, own: Codec, student: Codec): void {
  if (own.convention !== student.convention)
    throw misfit(
      distill,
      'cuts people out of images by another geometry (udp or not); set model.head.codec alike',
    );
  const [mine, wanted] = [own, student].map(({targets}) =>
    targets.map(({shape}) => `[${shape}]`).join(' and '),
  );
  if (OF_OUTPUTS.includes(distill.method.type) && mine !== wanted) {
    throw misfit(
      distill,
      `gives ${mine}, the student ${wanted}; ${distill.method.type} compares outputs: give both the same head`,
    );
  }
}
