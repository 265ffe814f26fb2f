/** @file Which file keeps what a teacher gives: one for each teacher, and for each way in which it sees the people. */
import {createHash} from 'node:crypto';
import {join} from 'node:path';
import * as tf from '@tensorflow/tfjs';
import type {DistillConfig} from '../../config/distillSchema.js';
import type {AugmentConfig, Config} from '../../config/schema.js';
import {cacheFolder} from '../../data/datasets/cacheFolder.js';
import {contentDigest} from '../../data/datasets/contentDigest.js';
import type {TopDownDataset} from '../../data/datasets/topDown.js';
import {UserError} from '../../errors.js';
import type {PoseModel} from '../../models/poseModel.js';
import {getStateDict} from '../../nn/stateDict.js';
import type {DistillTask} from './distillTask.js';
import {teacherConfig} from './teacher.js';
import {type Shape, sampleShapes, TeacherCache} from './teacherCache.js';

/** Changes with the file's form, and with what a teacher computes. */
const VERSION = 1;

/** @throws UserError 'usage' if the augmentation changes the images, 'storage' if the file cannot be opened */
export function openTeacherCache(
  config: Config,
  distill: DistillConfig,
  task: DistillTask,
  dataset: TopDownDataset,
): TeacherCache {
  checkUnchanged(config);
  const [height, width] = config.model.input;
  const {backend, device, tf32, train} = config;
  const key = JSON.stringify([
    ...[VERSION, teacherConfig(distill).model, digestOf(task.teacher), distill.taps.teacher],
    ...[contentDigest(dataset), config.model.input, config.dataset.boxPadding, task.codec.convention],
    ...[backend, device, tf32, train.precision],
  ]);
  const path = join(cacheFolder(), 'teachers', `${createHash('sha256').update(key).digest('hex')}.bin`);
  let shapes: Shape[] = [];
  tf.tidy(() => {
    shapes = sampleShapes(task.taught(tf.zeros([1, height, width, 3])));
  });
  return new TeacherCache(path, shapes);
}

/** Of the network's weights. */
function digestOf(teacher: PoseModel): string {
  const hash = createHash('sha256');
  for (const [name, {shape, data}] of getStateDict(teacher)) hash.update(`${name} ${shape}\n`).update(data);
  return hash.digest('hex');
}

/** Mirroring apart: there is a record for each side. */
function checkUnchanged({dataset: {augment, finalAugment}}: Config): void {
  const changing = [
    ...changes(augment).map((key) => `dataset.augment.${key}`),
    ...(finalAugment ? changes(finalAugment).map((key) => `dataset.finalAugment.${key}`) : []),
  ];
  if (changing.length === 0) return;
  throw new UserError(
    'usage',
    'distill.cache: what the teacher gives can be kept only where every epoch has the same images: ' +
      `set ${changing.map((key) => `${key}=0`).join(', ')}, or distill.cache=false.`,
  );
}

/** The keys by which an augmentation makes other images; mirrored ones apart. */
function changes(augment: AugmentConfig): string[] {
  const amounts = {
    rotation: augment.rotationProbability && augment.rotation,
    scale: augment.scale,
    'halfBody.probability': augment.halfBody.probability,
    'boxJitter.probability': augment.boxJitter.probability,
    'photometric.probability': augment.photometric.probability,
    'blur.box': augment.blur.box,
    'blur.median': augment.blur.median,
    'coarseDropout.probability': augment.coarseDropout.probability,
  };
  return Object.entries(amounts).flatMap(([key, amount]) => (amount > 0 ? [key] : []));
}
