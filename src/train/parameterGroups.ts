/** @file Which parameters are trained, and with which rate and decay each: by name patterns, by depth, by rank. */
import type * as tf from '@tensorflow/tfjs';
import {nearestNames} from '../config/keys.js';
import type {TrainConfig} from '../config/schema.js';
import {UserError} from '../errors.js';
import type {PoseModel} from '../models/poseModel.js';
import {Module, Parameter} from '../nn/module.js';

type OptimizerConfig = TrainConfig['optimizer'];
type Group = OptimizerConfig['groups'][number];

/** A parameter that the optimiser moves. */
export interface TrainedParameter {
  readonly name: string;
  readonly variable: tf.Variable;
  /** Times the run's learning rate. */
  readonly learningRateFactor: number;
  readonly weightDecay: number;
}

/**
 * The parameters to train, in the model's order, and how. What is frozen is left out, and batch norms of which all is
 * frozen are held.
 * @throws UserError 'usage' if a pattern matches nothing, or everything is frozen
 */
export function trainedParameters(model: PoseModel, config: OptimizerConfig): TrainedParameter[] {
  const paths = parameterPaths(model);
  const settings = new Map([...paths.keys()].map((name): [string, Partial<Group>] => [name, {}]));
  for (const [i, group] of config.groups.entries()) {
    const names = matching(group.match, paths);
    if (names.length === 0) throw noMatch(`train.optimizer.groups.${i}.match`, group.match, paths);
    for (const name of names) Object.assign(settings.get(name)!, group);
  }
  const frozen = new Set([...settings].flatMap(([name, {frozen}]) => (frozen ? [name] : [])));
  if (frozen.size === paths.size) {
    throw new UserError('usage', 'train.optimizer.groups: everything is frozen; leave something to train.');
  }
  hold(model, frozen);
  return [...model.namedParameters()]
    .filter(([name]) => !frozen.has(name))
    .map(([name, variable]) => {
      const {learningRateFactor = 1, weightDecay = decayOf(variable, config)} = settings.get(name)!;
      const depthFactor = config.layerDecay ** model.distanceFromHead(name);
      return {name, variable, learningRateFactor: learningRateFactor * depthFactor, weightDecay};
    });
}

/** Norms and biases, which have one axis, are not decayed by AdamW; the gradients of the others know no difference. */
function decayOf({rank}: tf.Variable, {type, weightDecay}: OptimizerConfig): number {
  return type === 'adamw' && rank <= 1 ? 0 : weightDecay;
}

/** Published name -> the name with the part of the model before it (`backbone.conv1.weight`). */
function parameterPaths(model: Module): Map<string, string> {
  const parts = Object.entries(model).filter(
    (entry): entry is [string, Module] => entry[1] instanceof Module,
  );
  const names = parts.flatMap(([part, module]) =>
    // Some published names begin with the part.
    [...module.namedParameters().keys()].map((name): [string, string] => [
      name,
      name.startsWith(`${part}.`) ? name : `${part}.${name}`,
    ]),
  );
  return new Map(names);
}

function matching(pattern: string, paths: ReadonlyMap<string, string>): string[] {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`);
  return [...paths].filter((names) => names.some((name) => expression.test(name))).map(([name]) => name);
}

function noMatch(key: string, pattern: string, paths: ReadonlyMap<string, string>): UserError {
  const names = [...paths].flat();
  const prefixes = names.flatMap((name) => {
    const segments = name.split('.');
    return segments.slice(1).map((_, i) => `${segments.slice(0, i + 1).join('.')}.*`);
  });
  const near = nearestNames(pattern, [...new Set([...prefixes, ...names])], 3);
  return new UserError(
    'usage',
    `${key}: "${pattern}" matches no parameter of the model. The nearest are ${near.map((name) => `"${name}"`).join(', ')}; ` +
      '"pose-model summary" lists them all.',
  );
}

/** Layers whose parameters are all frozen stay as they are, running statistics included. */
function hold(model: Module, frozen: ReadonlySet<string>): void {
  const parameters = model.namedParameters();
  const variables = new Set([...frozen].map((name) => parameters.get(name)));
  for (const module of model.namedModules().values()) {
    const own = Array.from(module.members(), ([, member]) => member).filter(
      (member) => member instanceof Parameter,
    );
    module.held = own.length > 0 && own.every(({variable}) => variables.has(variable));
  }
  model.train(model.training);
}
