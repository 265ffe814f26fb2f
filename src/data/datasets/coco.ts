/** @file COCO's keypoint format (Lin et al. 2014), with any keypoint set. */
import {readCocoFile} from './cocoFile.js';
import type {KeypointFlaw, KeypointLayout} from './cocoPeople.js';
import type {DatasetType} from './content.js';
import {isNumber, shown} from './records.js';

export const coco: DatasetType = {
  read: (file, context) => readCocoFile(file, context, plainKeypoints(context.keypointSet.names.length)),
};

/** `keypoints`: x, y and visibility of each. */
function plainKeypoints(count: number): KeypointLayout {
  return {
    keys: ['keypoints'],
    read: ({keypoints}) => keypointListFlaw(keypoints, 'keypoints', count) ?? (keypoints as number[]),
    tally: labelledCount,
  };
}

export function labelledCount(keypoints: readonly number[]): number {
  let count = 0;
  for (let i = 2; i < keypoints.length; i += 3) if (keypoints[i] > 0) count++;
  return count;
}

/** What is wrong with a list of `count` keypoints, or null. */
export function keypointListFlaw(list: unknown, key: string, count: number): KeypointFlaw | null {
  if (!Array.isArray(list)) return {rule: 'keypointsMissing', detail: `"${key}" is ${shown(list)}`};
  if (list.length !== 3 * count) {
    const expected = `expected ${3 * count} (x, y and visibility of ${count} keypoints)`;
    return {rule: 'keypointCount', detail: `"${key}" has ${list.length} numbers; ${expected}`};
  }
  const wrong = list.findIndex((value) => !isNumber(value));
  if (wrong >= 0) {
    const rule =
      typeof list[wrong] === 'number' || list[wrong] === null ? 'notFinite' : 'annotationMalformed';
    return {rule, detail: `number ${wrong} of "${key}" is ${shown(list[wrong])}`};
  }
  for (let i = 2; i < list.length; i += 3) {
    if (list[i] === 0 || list[i] === 1 || list[i] === 2) continue;
    return {
      rule: 'visibility',
      detail: `visibility of keypoint ${(i - 2) / 3} of "${key}" is ${shown(list[i])}`,
    };
  }
  return null;
}
