/**
 * @file COCO-WholeBody (Jin et al. 2020): body, feet, face and hands in lists of their own, joined to 133 keypoints in the
 * order of its paper.
 */
import {UserError} from '../../errors.js';
import {keypointListFlaw, labelledCount} from './coco.js';
import {readCocoFile} from './cocoFile.js';
import type {KeypointFlaw, KeypointLayout} from './cocoPeople.js';
import type {DatasetType} from './content.js';
import {type Fields, isNumber} from './records.js';

/** Lists of an annotation in the order of the keypoints; a part that its flag calls invalid was not labelled. */
const PARTS = [
  {key: 'keypoints', count: 17, flag: null},
  {key: 'foot_kpts', count: 6, flag: 'foot_valid'},
  {key: 'face_kpts', count: 68, flag: 'face_valid'},
  {key: 'lefthand_kpts', count: 21, flag: 'lefthand_valid'},
  {key: 'righthand_kpts', count: 21, flag: 'righthand_valid'},
] as const;
const BODY = PARTS[0];
const TOTAL = PARTS.reduce((sum, {count}) => sum + count, 0);

const layout: KeypointLayout = {
  keys: PARTS.flatMap(({key, flag}) => (flag === null ? [key] : [key, flag])),
  read: joined,
  tally: (keypoints) => labelledCount(keypoints.slice(0, 3 * BODY.count)),
};

export const wholebody: DatasetType = {
  read(file, context) {
    const count = context.keypointSet.names.length;
    if (count !== TOTAL) {
      const {name} = context.keypointSet;
      throw new UserError(
        'usage',
        `dataset.type=wholebody has ${TOTAL} keypoints, and the keypoint set ${name} ${count}: set dataset.keypoints=wholebody133.`,
      );
    }
    return readCocoFile(file, context, layout);
  },
};

function joined(record: Fields): number[] | KeypointFlaw {
  const all: number[] = [];
  for (const {key, count, flag} of PARTS) {
    const list = flag === null ? record[key] : labelledByConfidence(record[key], record[flag] !== false);
    const flaw = keypointListFlaw(list, key, count);
    if (flaw !== null) return flaw;
    all.push(...(list as number[]));
  }
  return all;
}

/** Beyond the body the third number is a confidence in [0, 1], or COCO's visibility: anything above 0 is labelled. */
function labelledByConfidence(list: unknown, isValid: boolean): unknown {
  if (!Array.isArray(list)) return list;
  return list.map((value, i) => {
    if (i % 3 !== 2 || !isNumber(value) || value < 0 || value > 2) return value;
    return isValid && value > 0 ? 2 : 0;
  });
}
