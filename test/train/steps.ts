/** @file What tests of the loop and of training steps need again and again. */

import type {TrainConfig} from '../../src/config/schema.js';
import {trainSchema} from '../../src/config/trainSchema.js';
import type {Module} from '../../src/nn/module.js';
import {createOptimizer, type Optimizer} from '../../src/train/optimizers.js';
import type {TrainedParameter} from '../../src/train/parameterGroups.js';
import type {StepOutcome} from '../../src/train/trainer.js';

/** A step as it should be. */
export const OUTCOME: StepOutcome = {loss: 1, terms: {}, learningRate: 1, gradNorm: 1, skipped: false};

/** `train` of a configuration, with its defaults. */
export function trainConfig(changes: Record<string, unknown> = {}): TrainConfig {
  return trainSchema.parse(changes);
}

/** All parameters of a module, each at the full rate and without decay. */
export function allParameters(module: Module): TrainedParameter[] {
  return Array.from(module.namedParameters(), ([name, variable]) => ({
    ...{name, variable, learningRateFactor: 1, weightDecay: 0},
  }));
}

/** Adam as it is by default. */
export function adamOf(module: Module): Optimizer {
  return createOptimizer(allParameters(module), trainConfig().optimizer);
}
