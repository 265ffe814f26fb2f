/** @file The formats of annotation files by their names in a configuration: a new one is a file beside these and a line here. */
import {UserError} from '../../errors.js';
import {coco} from './coco.js';
import type {DatasetType} from './content.js';
import {mpii} from './mpii.js';
import {wholebody} from './wholebody.js';

const TYPES: Readonly<Record<string, DatasetType>> = {coco, mpii, wholebody};

/** @throws UserError 'usage' that lists the names */
export function datasetType(name: string): DatasetType {
  if (Object.hasOwn(TYPES, name)) return TYPES[name];
  throw new UserError(
    'usage',
    `dataset.type is "${name}": expected one of ${Object.keys(TYPES).join(', ')}.`,
  );
}
