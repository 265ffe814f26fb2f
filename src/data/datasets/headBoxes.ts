/** @file MPII's head boxes and joints as PCKh measures them: the HRNet repository keeps them beside its JSON, in `gt_valid.mat`. */
import {UserError} from '../../errors.js';
import type {Box} from '../types.js';
import type {AnnotationContent} from './content.js';
import {type MatArray, type MatVariable, readMatFile} from './matFile.js';
import {Findings} from './rules.js';

/** The JSON of the HRNet repository has whole pixels in some places. */
const ROUNDING = 1.01;

/**
 * The content with the head boxes and joints of a file, whose rows are those of the annotations.
 * @throws UserError 'data' if the file cannot be read, or is about other people
 */
export function withHeadBoxes(content: AnnotationContent, file: string): AnnotationContent {
  const arrays = readMatFile(file);
  const boxes = requireArray(arrays, 'headboxes_src', file);
  const rows = boxes.shape[2];
  if (rows !== content.counts.annotations) {
    const found = `${rows} people, and the annotations have ${content.counts.annotations}`;
    throw new UserError('data', `${file}: it has head boxes of ${found}: is it of another split?`);
  }
  const findings = new Findings();
  for (const [rule, found] of content.findings.entries()) {
    if (rule !== 'headBoxMissing') for (const {record, detail} of found) findings.add(rule, record, detail);
  }
  const joints = jointsOf(arrays);
  const people = content.people.map((person) => {
    const name = `people[${person.id - 1}]`;
    const headBox = boxAt(boxes, person.id - 1);
    if (headBox === null) findings.add('headBoxMissing', name);
    const keypoints = joints?.(person.id - 1) ?? person.keypoints;
    const far = distance(person.keypoints, keypoints);
    if (far > ROUNDING) findings.add('jointsDiffer', name, `by up to ${far.toFixed(1)} pixels`);
    return {...person, headBox, keypoints};
  });
  return {...content, people, findings};
}

type Variables = ReadonlyMap<string, MatVariable>;

function arrayOf(variables: Variables, name: string): MatArray | null {
  const variable = variables.get(name);
  return variable && 'shape' in variable ? variable : null;
}

function requireArray(variables: Variables, name: string, file: string): MatArray {
  const array = arrayOf(variables, name);
  if (array?.shape.length === 3 && array.shape[0] === 2 && array.shape[1] === 2) return array;
  throw new UserError('data', `${file}: has no array ${name} of 2 x 2 x people: give HRNet's gt_valid.mat.`);
}

/** [corner, x or y, person], counted from 1. */
function boxAt({values}: MatArray, row: number): Box | null {
  const [left, right, top, bottom] = values.slice(4 * row, 4 * row + 4);
  const isBox = [left, right, top, bottom].every(Number.isFinite) && right > left && bottom > top;
  return isBox ? [left - 1, top - 1, right - left, bottom - top] : null;
}

/**
 * The keypoints of a row, [keypoint, x or y, person] counted from 1 in the file; null if it has none. It is against these
 * that HRNet measures, which are not in all places those of its JSON.
 */
function jointsOf(variables: Variables): ((row: number) => number[]) | null {
  const positions = arrayOf(variables, 'pos_gt_src');
  const missing = arrayOf(variables, 'jnt_missing');
  if (!positions || !missing) return null;
  const [count] = missing.shape;
  return (row) => {
    const at = 2 * count * row;
    return Array.from({length: count}, (_, k) =>
      missing.values[count * row + k] > 0
        ? [0, 0, 0]
        : [positions.values[at + k] - 1, positions.values[at + count + k] - 1, 2],
    ).flat();
  };
}

/** The farthest in x or y that a keypoint has moved; infinite if it is labelled in one of them alone. */
function distance(before: readonly number[], after: readonly number[]): number {
  let far = 0;
  for (let i = 0; i < after.length; i += 3) {
    if (before[i + 2] !== after[i + 2]) return Number.POSITIVE_INFINITY;
    if (after[i + 2] > 0)
      far = Math.max(far, Math.abs(before[i] - after[i]), Math.abs(before[i + 1] - after[i + 1]));
  }
  return far;
}
