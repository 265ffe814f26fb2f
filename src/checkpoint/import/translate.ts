/** @file Published weights in the names of this project, and how they fill a model. */
import {UserError} from '../../errors.js';
import type {StateDict} from '../stateDict.js';
import type {Family} from './family.js';
import {HOURGLASS} from './hourglass.js';
import {HRNET} from './hrnet.js';
import {RTMPOSE} from './rtmpose.js';
import {SIMPLE_BASELINE} from './simpleBaseline.js';

/** HRNet has a `layer1`, too; the hourglass and RTMPose have nothing of the others. */
const FAMILIES: readonly Family[] = [HRNET, HOURGLASS, RTMPOSE, SIMPLE_BASELINE];

export interface Translation {
  readonly family: string;
  /** Under our names. */
  readonly weights: StateDict;
  /** Published names that no rule knows. */
  readonly unknown: readonly string[];
}

/** Our name for a published one; null for what holds no weights, undefined for what is unknown. */
function translated(name: string, {rules}: Family): string | null | undefined {
  const rule = rules.find(([published]) => published.test(name));
  return rule && (rule[1] === null ? null : name.replace(rule[0], rule[1]));
}

/**
 * Finds out of which family a state dict is, and gives its arrays our names; they are not copied.
 * @param file where the dict comes from, for messages
 * @throws UserError('checkpoint') if it is of none, or if two of its arrays would have the same name
 */
export function translate(dict: StateDict, file: string): Translation {
  const family = FAMILIES.find(({mark}) => [...dict.keys()].some((name) => mark.test(name)));
  if (!family) {
    const first = [...dict.keys()].slice(0, 3).join(', ');
    throw new UserError(
      'checkpoint',
      `${file}: is of no network that is known here (${FAMILIES.map(({name}) => name).join(', ')}); its arrays are ` +
        `called ${first}, …. If they have this project's names already, set model.weights to the file itself.`,
    );
  }
  const weights: StateDict = new Map();
  const unknown: string[] = [];
  for (const [name, tensor] of dict) {
    const ours = translated(name, family);
    if (ours === undefined) unknown.push(name);
    if (typeof ours !== 'string') continue;
    if (weights.has(ours)) {
      throw new UserError(
        'checkpoint',
        `${file}: two of its arrays are "${ours}", one of them as "${name}".`,
      );
    }
    weights.set(ours, tensor);
  }
  return {family: family.name, weights, unknown};
}

export interface Fit {
  /** What fills the model. */
  readonly matched: StateDict;
  /** Names of the model that nothing fills; counters of batches are not asked for. */
  readonly missing: readonly string[];
  /** What the model has no place for, with both shapes where it has another. */
  readonly unused: readonly string[];
}

/** Compares weights with a model's own by name and shape. */
export function fit(weights: StateDict, model: StateDict): Fit {
  const matched: StateDict = new Map();
  const unused: string[] = [];
  for (const [name, tensor] of weights) {
    const own = model.get(name);
    if (own && String(own.shape) === String(tensor.shape)) matched.set(name, tensor);
    else unused.push(own ? `${name} [${tensor.shape}] (the model's: [${own.shape}])` : name);
  }
  const missing = [...model.keys()].filter(
    (name) => !matched.has(name) && !name.endsWith('num_batches_tracked'),
  );
  return {matched, missing, unused};
}
