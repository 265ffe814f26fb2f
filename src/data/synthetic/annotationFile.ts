/** @file The annotation file of a split, in COCO's person keypoint format, with cameras and joints in space. */
import type {KeypointSet} from '../keypoints.js';
import type {PictureRecord} from './picture.js';

/** The file's text; images and annotations are numbered from 1 in the order of the records. */
export function annotationFile(records: readonly PictureRecord[], {names, skeleton}: KeypointSet): string {
  const category = {
    id: 1,
    name: 'person',
    supercategory: 'person',
    keypoints: names,
    skeleton: skeleton.map(({ends}) => ends.map((end) => end + 1)),
  };
  const people = records.flatMap((record, i) => record.people.map((person) => ({...person, imageId: i + 1})));
  return JSON.stringify({
    info: {description: 'Synthetic people made by Posecraft', version: '1.0'},
    licenses: [],
    images: records.map(({fileName, width, height, focal}, i) => ({
      id: i + 1,
      file_name: fileName,
      width,
      height,
      camera: {focal: [focal, focal], center: [width / 2, height / 2]},
    })),
    annotations: people.map(({imageId, ...person}, i) => ({
      id: i + 1,
      image_id: imageId,
      category_id: category.id,
      iscrowd: 0,
      ...person,
      segmentation: [],
    })),
    categories: [category],
  });
}
