/** @file What an update does to all parameters at once: optimiser steps and averages in place, norms of gradients. */
import type * as tf from '@tensorflow/tfjs';
import type {AdamStep} from '../../ops/adam.js';
import type {Copies} from '../../ops/copies.js';
import type {WeightDecay} from '../../ops/decayWeights.js';
import {KERNELS} from '../../ops/kernels.js';
import type {MovingAverage} from '../../ops/movingAverage.js';
import type {Norms} from '../../ops/norms.js';
import type {SgdStep} from '../../ops/sgd.js';
import type {TorchBackend} from '../backend.js';
import {type Handle, operator, operatorMany} from '../native.js';
import {register} from './register.js';

const foreach = {
  scale: operatorMany('_foreach_mul_.Scalar'),
  addScaled: operatorMany('_foreach_add_.List'),
  subtract: operatorMany('_foreach_sub.List'),
  multiply: operatorMany('_foreach_mul.Scalar'),
  norm: operatorMany('_foreach_norm.Scalar'),
};

const stack = operator('stack');

const adamInPlace = operator('posecraft::adam_');
const emptyLike = operator('empty_like');
const copyInto = operator('copy_');
const sharesLayout = new WeakSet<tf.DataId>();

/** Brings a moment into the memory layout of its parameter, so that a step runs over both in storage order. */
function layOutLike(moment: tf.Variable, parameter: tf.Variable, torch: TorchBackend): void {
  if (sharesLayout.has(moment.dataId)) return;
  torch.replaceLayout(moment, (values) => {
    const laidOut = emptyLike(torch.handle(parameter));
    copyInto(laidOut, values);
    return laidOut;
  });
  sharesLayout.add(moment.dataId);
}

register<AdamStep>(KERNELS.adam, (_inputs, options, torch) => {
  const {parameters, gradients, firstMoments, secondMoments, betas, step, learningRate, epsilon} = options;
  parameters.forEach((parameter, i) => {
    layOutLike(firstMoments[i], parameter, torch);
    layOutLike(secondMoments[i], parameter, torch);
  });
  const lists = [parameters, gradients, firstMoments, secondMoments];
  const all = lists.map((tensors) => tensors.map((tensor) => torch.handle(tensor)));
  adamInPlace(...all, step, learningRate, ...betas, epsilon);
  return [];
});

/** Needs no temporary tensors: the decayed gradient is taken apart into its terms. */
function descend(step: SgdStep, torch: TorchBackend): void {
  const {learningRate, momentum, nesterov, weightDecay} = step;
  const handles = (tensors: readonly tf.Tensor[]): Handle[] => tensors.map((tensor) => torch.handle(tensor));
  const [parameters, gradients] = [handles(step.parameters), handles(step.gradients)];
  if (momentum !== 0) {
    step.velocities.forEach((velocity, i) => {
      layOutLike(velocity, step.parameters[i], torch);
    });
    const velocities = handles(step.velocities);
    foreach.scale(velocities, momentum);
    foreach.addScaled(velocities, gradients, 1);
    if (weightDecay !== 0) foreach.addScaled(velocities, parameters, weightDecay);
    if (!nesterov) {
      foreach.addScaled(parameters, velocities, -learningRate);
      return;
    }
  }
  if (weightDecay !== 0) foreach.scale(parameters, 1 - learningRate * weightDecay);
  foreach.addScaled(parameters, gradients, -learningRate);
  if (momentum !== 0) foreach.addScaled(parameters, handles(step.velocities), -learningRate * momentum);
}

register<SgdStep>(KERNELS.sgd, (_inputs, step, torch) => {
  descend(step, torch);
  return [];
});

register<WeightDecay>(KERNELS.decayWeights, (_inputs, {parameters, learningRate, weightDecay}, torch) => {
  const factor = 1 - learningRate * weightDecay;
  foreach.scale(
    parameters.map((parameter) => torch.handle(parameter)),
    factor,
  );
  return [];
});

register<Norms>(KERNELS.norms, (_inputs, {tensors}, torch) =>
  stack(
    foreach.norm(
      tensors.map((tensor) => torch.handle(tensor)),
      2,
    ),
  ),
);

register<Copies>(KERNELS.copies, (_inputs, {tensors}, torch) =>
  foreach.multiply(
    tensors.map((tensor) => torch.handle(tensor)),
    1,
  ),
);

register<MovingAverage>(KERNELS.movingAverage, (_inputs, {averages, values, share}, torch) => {
  averages.forEach((average, i) => {
    layOutLike(average, values[i], torch);
  });
  const [to, from] = [averages, values].map((tensors) => tensors.map((tensor) => torch.handle(tensor)));
  foreach.addScaled(to, foreach.subtract(from, to, 1), share);
  return [];
});
