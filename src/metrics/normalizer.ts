/** @file The length by which keypoint errors are divided, so that near and far people count alike. */
import {UserError} from '../errors.js';
import type {PosePair} from './posePairs.js';

/**
 * `box`: the longer side of the person's box; `torso`: left shoulder to right hip; `head`: head top to neck; two
 * names: from one keypoint to the other; a number: so many pixels for everybody.
 */
export type Normalizer = 'box' | 'torso' | 'head' | readonly [string, string] | number;

/** Names that keypoint sets give to the ends of a length; the first that a set has is taken. */
const ENDS = {
  torso: [['left_shoulder'], ['right_hip']],
  head: [
    ['head_top', 'top_head', 'head'],
    ['neck', 'upper_neck'],
  ],
} as const;

/**
 * @param names of the keypoints
 * @returns the person's length in pixels; null where it cannot be measured
 * @throws UserError 'usage' if the set has no such keypoints
 */
export function lengthOf(
  normalizer: Normalizer,
  names: readonly string[],
): (pair: Pick<PosePair, 'truth' | 'box'>) => number | null {
  if (typeof normalizer === 'number') return () => normalizer;
  if (normalizer === 'box') return ({box}) => positive(Math.max(box[2], box[3]));
  const ends: readonly (readonly string[])[] =
    typeof normalizer === 'string' ? ENDS[normalizer] : normalizer.map((name) => [name]);
  const [a, b] = ends.map((candidates) => indexOf(candidates, normalizer, names));
  return ({truth}) => {
    if (truth[3 * a + 2] <= 0 || truth[3 * b + 2] <= 0) return null;
    return positive(Math.hypot(truth[3 * a] - truth[3 * b], truth[3 * a + 1] - truth[3 * b + 1]));
  };
}

function positive(length: number): number | null {
  return length > 0 && Number.isFinite(length) ? length : null;
}

function indexOf(candidates: readonly string[], normalizer: Normalizer, names: readonly string[]): number {
  const name = candidates.find((candidate) => names.includes(candidate));
  if (name !== undefined) return names.indexOf(name);
  throw new UserError(
    'usage',
    `${JSON.stringify(normalizer)} (eval.pck.normalizer, --normalizer): there is no keypoint ${candidates.map((c) => `"${c}"`).join(' or ')} ` +
      `among ${names.join(', ')}. Name two of these instead, or take "box" or a number of pixels.`,
  );
}

/** What is missing where a length could not be measured, for messages. */
export function lengthInWords(normalizer: Normalizer): string {
  if (normalizer === 'box') return 'a box with an extent';
  if (normalizer === 'torso') return 'a labelled torso (left shoulder and right hip)';
  if (normalizer === 'head') return 'a labelled head (top and neck)';
  return typeof normalizer === 'number' ? 'a length' : `both of ${normalizer.join(' and ')} labelled`;
}
