/** @file From the records of an annotation file, or a detector's boxes, to the people whom a network is shown. */
import type {Person} from '../types.js';
import type {AnnotationContent, PersonRecord} from './content.js';
import type {Detection} from './detections.js';
import type {Findings, RuleName} from './rules.js';
import type {StoredImage} from './splitImages.js';
import type {GroundTruth} from './topDown.js';

type Images = ReadonlyMap<number, StoredImage>;

/** Annotated people in the order of their images. */
export function annotatedPeople({people}: AnnotationContent, images: Images): Person[] {
  const byImage = new Map<number, Person[]>([...images.keys()].map((id) => [id, []]));
  for (const record of people) {
    const image = images.get(record.imageId);
    if (image && record.crop) byImage.get(image.id)!.push(annotatedPerson(record, image));
  }
  return [...byImage.values()].flat();
}

function annotatedPerson({id, crop, keypoints, headBox}: PersonRecord, image: StoredImage): Person {
  return {
    imageId: image.id,
    imageFile: image.file,
    ...(image.size && {imageSize: image.size}),
    annotationId: id,
    box: crop!,
    score: 1,
    keypoints: withoutOrigin(keypoints),
    ...(headBox && {headBox}),
  };
}

/** A keypoint labelled at (0, 0) is one that was not labelled: nobody clicks into the corner. */
function withoutOrigin(keypoints: readonly number[]): readonly number[] {
  const isSuspect = (i: number) => keypoints[i] === 0 && keypoints[i + 1] === 0 && keypoints[i + 2] > 0;
  for (let i = 0; i < keypoints.length; i += 3) {
    if (isSuspect(i)) return keypoints.map((value, at) => (at % 3 === 2 && isSuspect(at - 2) ? 0 : value));
  }
  return keypoints;
}

/** A detector's boxes on images of the split, in the order of their file. */
export function detectedPeople(
  detections: readonly Detection[],
  content: AnnotationContent,
  images: Images,
  {keypointCount, threshold}: {keypointCount: number; threshold: number},
  findings: Findings,
): Person[] {
  const known = new Set(content.images.map(({id}) => id));
  const keypoints = new Array<number>(3 * keypointCount).fill(0);
  const people: Person[] = [];
  for (const detection of detections) {
    if (detection.category_id !== content.category.id) continue;
    const reason = unusable(detection, known, threshold);
    const image = images.get(detection.image_id);
    if (reason !== null) findings.add(reason, `image ${detection.image_id}`);
    else if (image) people.push(detectedPerson(detection, image, keypoints));
  }
  return people;
}

function detectedPerson(
  {bbox: box, score}: Detection,
  image: StoredImage,
  keypoints: readonly number[],
): Person {
  return {
    imageId: image.id,
    imageFile: image.file,
    ...(image.size && {imageSize: image.size}),
    annotationId: null,
    box,
    score,
    keypoints,
  };
}

function unusable(
  {image_id: image, bbox, score}: Detection,
  known: ReadonlySet<number>,
  threshold: number,
): RuleName | null {
  if (!known.has(image)) return 'detectionUnknownImage';
  if (score < threshold) return 'detectionLowScore';
  return bbox[2] > 0 && bbox[3] > 0 ? null : 'detectionEmpty';
}

/** What an evaluation over these images is scored against. */
export function groundTruth({category, people}: AnnotationContent, images: Images): GroundTruth {
  return {
    images: [...images.values()].map(({id, name}) => ({id, file_name: name})),
    categories: [category],
    annotations: people
      .filter(({imageId}) => images.has(imageId))
      .map(({id, imageId, box, area, isCrowd, stated, keypoints, headBox}) => ({
        id,
        image_id: imageId,
        category_id: category.id,
        bbox: box,
        area,
        iscrowd: isCrowd ? 1 : 0,
        keypoints,
        ...(stated !== null && {num_keypoints: stated}),
        head_box: headBox,
      })),
  };
}
