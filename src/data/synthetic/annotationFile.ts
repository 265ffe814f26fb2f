/** @file The annotation file of a split, in COCO's person keypoint format. */
import {KEYPOINT_RULES, SKELETON} from './annotate.js';
import type {PictureRecord} from './picture.js';

const PERSON_CATEGORY = {
  id: 1,
  name: 'person',
  supercategory: 'person',
  keypoints: KEYPOINT_RULES.map(({name}) => name),
  skeleton: SKELETON,
};

/** The file's text; images and annotations are numbered from 1 in the order of the records. */
export function annotationFile(records: readonly PictureRecord[]): string {
  const people = records.flatMap((record, i) => record.people.map((person) => ({...person, imageId: i + 1})));
  return JSON.stringify({
    info: {description: 'Synthetic people made by Posecraft', version: '1.0'},
    licenses: [],
    images: records.map(({fileName, width, height}, i) => ({id: i + 1, file_name: fileName, width, height})),
    annotations: people.map(({imageId, ...person}, i) => ({
      id: i + 1,
      image_id: imageId,
      category_id: PERSON_CATEGORY.id,
      iscrowd: 0,
      ...person,
      segmentation: [],
    })),
    categories: [PERSON_CATEGORY],
  });
}
