/** @file The keypoints of one set as those of another: what a dataset does not have is not labelled. */
import {UserError} from '../../errors.js';
import type {KeypointSet} from '../keypoints.js';

/**
 * For each keypoint of `target` its index in `source`, or −1. Keypoints of the same name belong together unless `map` says
 * otherwise.
 * @param map names of `target` -> names of `source`, or null for keypoints that shall not be taken
 * @param key the configuration's, for errors
 * @throws UserError 'usage' for a name that is in neither set, or if no keypoint has a counterpart
 */
export function keypointMap(
  target: KeypointSet,
  source: KeypointSet,
  map: Readonly<Record<string, string | null>>,
  key: string,
): readonly number[] {
  for (const [to, from] of Object.entries(map)) {
    requireName(to, target, `${key}: "${to}"`);
    if (from !== null) requireName(from, source, `${key}.${to}: "${from}"`);
  }
  const indices = target.names.map((name) => {
    const from = Object.hasOwn(map, name) ? map[name] : name;
    return from === null ? -1 : source.names.indexOf(from);
  });
  if (indices.some((index) => index >= 0)) return indices;
  throw new UserError(
    'usage',
    `${key}: no keypoint of ${source.name} has the name of one of ${target.name}; say which is which ` +
      `(${target.names[0]}: ${source.names[0]} …).`,
  );
}

function requireName(name: string, set: KeypointSet, where: string): void {
  if (set.names.includes(name)) return;
  throw new UserError('usage', `${where} is not a keypoint of ${set.name}: it has ${set.names.join(', ')}.`);
}

/** [source keypoints × 3] as [target keypoints × 3]. */
export function mapKeypoints(keypoints: readonly number[], indices: readonly number[]): number[] {
  return indices.flatMap((i) => (i < 0 ? [0, 0, 0] : keypoints.slice(3 * i, 3 * i + 3)));
}
