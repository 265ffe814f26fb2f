/**
 * @file People of a dataset in COCO's keypoint format, chosen by the rules of HRNet's COCODataset
 * (Sun et al. 2019, lib/dataset/coco.py).
 */
import {existsSync} from 'node:fs';
import {join, resolve} from 'node:path';
import type {DatasetConfig} from '../../config/schema.js';
import {UserError} from '../../errors.js';
import type {KeypointSet} from '../keypoints.js';
import type {Box, Person} from '../types.js';
import type {CocoAnnotation, CocoDetection, CocoFile, CocoImage} from './cocoFile.js';
import {readCocoFile, readDetections} from './cocoFile.js';
import {missingFiles} from './imageFolder.js';
import {Rejections, type TopDownDataset} from './topDown.js';

type Split = 'train' | 'val';
/** An image of the split and where it is. */
type StoredImage = CocoImage & {readonly file: string};

/**
 * Opens one split: annotated people, or (`val` only) the boxes of a detector.
 * @param options.useGroundTruthBoxes instead of the configuration's; training always uses annotated boxes
 * @throws UserError if a file or an image is missing, if a record cannot be used, or if nobody is left
 */
export async function openCocoDataset(
  config: DatasetConfig,
  split: Split,
  keypointSet: KeypointSet,
  options: {useGroundTruthBoxes?: boolean} = {},
): Promise<TopDownDataset> {
  const annotationFile = locate(config, split, 'annotations', config[split].annotations);
  const annotated = split === 'train' || (options.useGroundTruthBoxes ?? config.useGroundTruthBoxes);
  const rejected = new Rejections();
  const content = await readCocoFile(annotationFile, keypointSet.names.length);
  const images = await availableImages(config, split, annotationFile, content.images, rejected);
  const people = annotated
    ? annotatedPeople(content.annotations, images, rejected)
    : await detectedPeople(config, split, content, images, keypointSet.names.length, rejected);
  const summary = {images: images.size, people: people.length, rejected: rejected.list()};
  if (people.length === 0) throw nobodyLeft(annotationFile, summary.rejected);
  return {
    people,
    imageIds: [...images.keys()],
    imageCount: images.size,
    annotationFile,
    keypointSet,
    summary,
  };
}

/** The absolute path of a file or folder that the configuration names relative to `dataset.root`. */
function locate(config: DatasetConfig, split: Split, key: string, path: string): string {
  const file = resolve(config.root, path);
  if (existsSync(file)) return file;
  const place = existsSync(config.root)
    ? `dataset.root is ${config.root}; data/README.md shows what should lie where`
    : `its folder dataset.root=${config.root} does not exist; set it to where the dataset is (data/README.md)`;
  throw new UserError('data', `dataset.${split}.${key}: ${file} does not exist; ${place}.`);
}

/** The split's images by id, in the file's order, after `limit` and `onMissing`. */
async function availableImages(
  config: DatasetConfig,
  split: Split,
  annotationFile: string,
  records: readonly CocoImage[],
  rejected: Rejections,
): Promise<Map<number, StoredImage>> {
  const folder = locate(config, split, 'images', config[split].images);
  const wanted = records.slice(0, config.limit ?? records.length);
  const missing = new Set(
    await missingFiles(
      folder,
      wanted.map((image) => image.file_name),
    ),
  );
  if (missing.size > 0 && config.onMissing === 'error') {
    const [first] = missing;
    throw new UserError(
      'data',
      `${annotationFile}: ${missing.size} of its images are listed but missing under ${folder} (first: ${first}). ` +
        'Download them, or set dataset.onMissing=skip.',
    );
  }
  const images = new Map<number, StoredImage>();
  for (const image of wanted) {
    if (missing.has(image.file_name)) rejected.add('image missing on disk', image.file_name);
    else images.set(image.id, {...image, file: join(folder, image.file_name)});
  }
  return images;
}

/** Annotated people in the order of their images. */
function annotatedPeople(
  annotations: readonly CocoAnnotation[],
  images: ReadonlyMap<number, StoredImage>,
  rejected: Rejections,
): Person[] {
  const byImage = new Map<number, Person[]>([...images.keys()].map((id) => [id, []]));
  for (const annotation of annotations) {
    const image = images.get(annotation.image_id);
    if (!image) continue;
    const box = insideImage(annotation.bbox, image);
    const reason = unusable(annotation, box);
    if (reason !== null) rejected.add(reason, `annotation ${annotation.id}`);
    else byImage.get(image.id)?.push(annotatedPerson(annotation, image, box));
  }
  return [...byImage.values()].flat();
}

function annotatedPerson(annotation: CocoAnnotation, image: StoredImage, box: Box): Person {
  return {
    imageId: image.id,
    imageFile: image.file,
    imageSize: [image.width, image.height],
    annotationId: annotation.id,
    box,
    score: 1,
    keypoints: annotation.keypoints,
  };
}

/** HRNet's clean box: within the image, one pixel smaller, for COCO's last pixel is x + w − 1. */
function insideImage([x, y, width, height]: Box, image: CocoImage): Box {
  const left = Math.max(0, x);
  const top = Math.max(0, y);
  const right = Math.min(image.width - 1, left + Math.max(0, width - 1));
  const bottom = Math.min(image.height - 1, top + Math.max(0, height - 1));
  return [left, top, right - left, bottom - top];
}

function unusable(annotation: CocoAnnotation, [, , width, height]: Box): string | null {
  if (annotation.iscrowd) return 'crowd';
  if (annotation.area <= 0) return 'area is not positive';
  if (width < 0 || height < 0) return 'box outside the image';
  if (width === 0 && height === 0) return 'box is a single point';
  if (Math.max(...annotation.keypoints) === 0) return 'no labelled keypoints';
  return null;
}

/** A detector's boxes on images of the split, in the order of their file. */
async function detectedPeople(
  config: DatasetConfig,
  split: Split,
  content: CocoFile,
  images: ReadonlyMap<number, StoredImage>,
  keypointCount: number,
  rejected: Rejections,
): Promise<Person[]> {
  const path = config[split].detections;
  if (path === null) {
    throw new UserError(
      'usage',
      `dataset.useGroundTruthBoxes is false, but dataset.${split}.detections names no file of detector boxes.`,
    );
  }
  const detections = await readDetections(locate(config, split, 'detections', path));
  const known = new Set(content.images.map((image) => image.id));
  const keypoints = new Array<number>(3 * keypointCount).fill(0);
  const people: Person[] = [];
  for (const detection of detections) {
    if (detection.category_id !== content.personCategory) continue;
    const image = images.get(detection.image_id);
    const reason = unusableDetection(detection, known, config.detectionScoreThreshold);
    if (reason !== null) rejected.add(reason, `image ${detection.image_id}`);
    else if (image) people.push(detectedPerson(detection, image, keypoints));
  }
  return people;
}

function detectedPerson(detection: CocoDetection, image: StoredImage, keypoints: number[]): Person {
  return {
    imageId: image.id,
    imageFile: image.file,
    imageSize: [image.width, image.height],
    annotationId: null,
    box: detection.bbox,
    score: detection.score,
    keypoints,
  };
}

function unusableDetection(
  {image_id: imageId, bbox, score}: CocoDetection,
  known: ReadonlySet<number>,
  threshold: number,
): string | null {
  if (!known.has(imageId)) return 'detection on an image that is not in the annotation file';
  if (score < threshold) return 'detection below dataset.detectionScoreThreshold';
  if (bbox[2] <= 0 || bbox[3] <= 0) return 'detection with an empty box';
  return null;
}

function nobodyLeft(annotationFile: string, rejected: ReturnType<Rejections['list']>): UserError {
  const reasons = rejected.map(({reason, count, first}) => `${reason}: ${count} (first: ${first})`);
  return new UserError(
    'data',
    `${annotationFile}: no usable people are left. ${reasons.length > 0 ? `Left out: ${reasons.join('; ')}.` : 'It lists none.'}`,
  );
}
