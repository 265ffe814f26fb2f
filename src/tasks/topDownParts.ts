/** @file From a configuration to the parts of a top-down run: model with its weights, loaders. */
import {loadWeights} from '../checkpoint/weights.js';
import {codecSpec} from '../codecs/create.js';
import type {Config} from '../config/schema.js';
import type {TopDownDataset} from '../data/datasets/topDown.js';
import type {KeypointSet} from '../data/keypoints.js';
import {BatchLoader, type LoaderOptions} from '../data/loader/loader.js';
import type {OffTargetSettings} from '../data/offTarget.js';
import {FeatureTap} from '../models/featureTap.js';
import type {PoseModel} from '../models/poseModel.js';
import {buildModel, featureChannels} from '../models/registry.js';
import {loadMatching, loadStateDict} from '../nn/stateDict.js';
import {createMethod} from './distill/create.js';
import {DistilledModel, studentState} from './distill/distilledModel.js';
import {DistillTask} from './distill/distillTask.js';
import {openTeacherCache} from './distill/openTeacherCache.js';
import {openTeacher, teacherConfig} from './distill/teacher.js';
import {TopDownTask} from './topDown.js';

export interface TopDownModel {
  readonly task: TopDownTask;
  /** Keys of the model that `model.weights` did not fill. */
  readonly unmatched: readonly string[];
}

/** Builds the model and, where `model.weights` is set, starts it from there. */
export async function buildTopDown(config: Config, keypointSet: KeypointSet): Promise<TopDownModel> {
  const student = buildModel(config.model, keypointSet.names.length, config.seed);
  const {weights, weightsFor} = config.model;
  const part = weightsFor === 'backbone' ? student.backbone : student;
  const unmatched = weights ? loadMatching(part, await loadWeights(weights), weights) : [];
  const model = withMethod(student, config);
  return {task: new TopDownTask(model, keypointSet, config.model), unmatched};
}

/** The network of a run: the student, with the layers of its distillation where there is one. */
export function withMethod(student: PoseModel, {distill, seed, model: {input}}: Config): PoseModel {
  if (!distill) return student;
  const {student: own, teacher: others} = distill.taps;
  const channels = {
    student: new FeatureTap(student.backbone, own, 'distill.taps.student').channels(input),
    teacher: featureChannels(teacherConfig(distill).model, others, 'distill.taps.teacher'),
  };
  return new DistilledModel(student, createMethod(distill.method, channels, seed), distill.inference);
}

/** The same task in training on `people`: with its teacher, where it has one. */
export async function withTeacher(
  task: TopDownTask,
  config: Config,
  people: TopDownDataset,
): Promise<TopDownTask> {
  const {distill, dataset} = config;
  if (!distill || !(task.model instanceof DistilledModel)) return task;
  const teacher = await openTeacher(distill, dataset, task);
  const taught = new DistillTask(task.model, teacher, task.keypointSet, task.config, distill);
  if (distill.cache) taught.cache = openTeacherCache(config, distill, taught, people);
  return taught;
}

/**
 * Fills the whole model from a checkpoint folder or a weights file; anything that does not fit is an error, but for the
 * layers of a distillation that the model is without.
 */
export async function loadCheckpointWeights(task: TopDownTask, path: string): Promise<void> {
  const state = await loadWeights(path);
  loadStateDict(task.model, task.model instanceof DistilledModel ? state : studentState(state), path);
}

/** Background is further than three sigma from every keypoint: there the targets are 0. */
const BACKGROUND_SIGMAS = 3;

function offTargetSettings({head}: Config['model'], stride: number): OffTargetSettings | null {
  if (head.type !== 'rdpose' || head.perturbation.weight === 0) return null;
  return {neighbour: head.perturbation.neighbour, distance: BACKGROUND_SIGMAS * head.sigma * stride};
}

/** What a loader does with a split: augmented and shuffled for training, plain and in order otherwise. */
export function loaderSettings(
  config: Config,
  dataset: TopDownDataset,
  stride: number,
  purpose: 'train' | 'evaluate',
): LoaderOptions {
  const isTraining = purpose === 'train';
  return {
    dataset,
    input: config.model.input,
    codec: codecSpec(config.model, stride, dataset.keypointSet.names.length),
    boxPadding: config.dataset.boxPadding,
    augment: isTraining ? config.dataset.augment : null,
    finalAugment: isTraining ? finalAugment(config) : null,
    offTargets: isTraining ? offTargetSettings(config.model, stride) : null,
    batchSize: isTraining ? config.train.batchSize : config.eval.batchSize,
    seed: config.seed,
    shuffle: isTraining && config.train.shuffle,
    // Figures must not depend on what an evaluation could not read.
    maxBadFraction: isTraining ? config.dataset.maxBadFraction : null,
    ...config.loader,
  };
}

function finalAugment({dataset, train}: Config): LoaderOptions['finalAugment'] {
  if (!dataset.finalAugment) return null;
  const {epochs, ...augment} = dataset.finalAugment;
  return {fromEpoch: train.epochs - epochs, augment};
}

/** A loader over the people of a split. */
export function openLoader(
  config: Config,
  dataset: TopDownDataset,
  task: TopDownTask,
  purpose: 'train' | 'evaluate',
): BatchLoader {
  return new BatchLoader(loaderSettings(config, dataset, task.model.stride, purpose));
}
