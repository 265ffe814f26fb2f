/** @file A student and the layers that its distillation trains beside it, as one network: what a run learns and saves. */
import * as tf from '@tensorflow/tfjs';
import type {DistillConfig} from '../../config/distillSchema.js';
import {PoseModel} from '../../models/poseModel.js';
import {Module} from '../../nn/module.js';
import {stream} from '../../random.js';
import {type TensorDraws, tensorDraws} from './draws.js';
import type {DistillMethod} from './method.js';

/** Begins the names of the method's parameters. */
const PREFIX = 'distill.';

/** Gives the method its place among the names. */
class MethodPart extends Module {
  constructor(readonly distill: DistillMethod) {
    super();
  }
}

export class DistilledModel extends PoseModel {
  readonly part: MethodPart;

  constructor(
    student: PoseModel,
    method: DistillMethod,
    readonly inference: DistillConfig['inference'],
  ) {
    super(student.backbone, student.head);
    this.part = new MethodPart(method);
  }

  get method(): DistillMethod {
    return this.part.distill;
  }

  override get deployed(): PoseModel {
    return this.inference === 'agent' ? this : new PoseModel(this.backbone, this.head);
  }

  override members(): Iterable<readonly [string, Module]> {
    return [...super.members(), ['', this.part]];
  }

  /** The method's layers are trained from the start, as the head's are. */
  override distanceFromHead(parameter: string): number {
    return parameter.startsWith(PREFIX) ? 0 : super.distanceFromHead(parameter);
  }

  override forward(images: tf.Tensor4D): tf.Tensor[] {
    return tf.tidy(() => {
      const features = this.backbone.forward(images);
      if (this.inference === 'student') return this.head.forward(features);
      return this.head.forward(this.method.refine(features, inferenceDraws()) ?? features);
    });
  }
}

/** The same noise for every image, whatever stands beside it in the batch. */
function inferenceDraws(): TensorDraws {
  const draws = tensorDraws(stream(0, 'distill/inference'));
  return {
    ...draws,
    normal: ([batch, ...shape]) => tf.tile(draws.normal([1, ...shape]), [batch, 1, 1, 1]),
  };
}

/** A state without what belongs to a method: that of the student. */
export function studentState<T>(state: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...state].filter(([name]) => !name.startsWith(PREFIX)));
}
