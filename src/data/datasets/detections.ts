/** @file The boxes of a person detector, in COCO's result format. */
import {UserError} from '../../errors.js';
import {readRecords} from '../json/readRecords.js';
import type {Box} from '../types.js';
import {flawOf, isBox, isId, isNumber, isObject, recordName, shown} from './records.js';
import type {Findings} from './rules.js';

export interface Detection {
  readonly image_id: number;
  readonly category_id: number;
  readonly bbox: Box;
  readonly score: number;
}

export interface DetectionFile {
  readonly detections: readonly Detection[];
  /** Records of the file, bad ones included. */
  readonly count: number;
}

/** @throws UserError 'data' if the file cannot be read or is no list; bad records become findings */
export async function readDetections(file: string, findings: Findings): Promise<DetectionFile> {
  const detections: Detection[] = [];
  let count = 0;
  const {rootIsList} = await readRecords(file, (key, index, value) => {
    if (key !== '' || index === null) return;
    count++;
    const flaw = detectionFlaw(value);
    if (flaw !== null) findings.add('detectionMalformed', recordName('detections', index, value), flaw);
    else {
      const {image_id, category_id, bbox, score} = value as Detection;
      detections.push({image_id, category_id, bbox, score});
    }
  });
  if (!rootIsList) throw new UserError('data', `${file}: expected a list of detections.`);
  return {detections, count};
}

function detectionFlaw(record: unknown): string | null {
  if (!isObject(record)) return record === undefined ? 'it holds NaN or Infinity' : `it is ${shown(record)}`;
  if (!isId(record.image_id)) return flawOf(record, 'image_id');
  if (!isId(record.category_id)) return flawOf(record, 'category_id');
  if (!isBox(record.bbox)) return flawOf(record, 'bbox');
  return isNumber(record.score) ? null : flawOf(record, 'score');
}
