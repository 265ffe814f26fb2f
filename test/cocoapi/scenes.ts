/**
 * @file Small random COCO scenes in which everything that makes an evaluation difficult is frequent: equal scores and
 * similarities, crowds, people without keypoints, images without people or detections, too many detections.
 */
import fc from 'fast-check';
import type {CocoAnnotation, CocoDataset, CocoResult} from '../../src/cocoapi/index.js';

export interface Scene {
  readonly truth: CocoDataset;
  /** With boxes and keypoints; a test takes one of them away. */
  readonly results: readonly CocoResult[];
}

/** Out of order, so that a file's order and the ids' differ. */
const IMAGES = [7, 3, 5];
const CATEGORIES = [2, 1];

const coordinate = fc.integer({min: 0, max: 12}).map((tens) => 10 * tens);
const keypoint = fc.tuple(coordinate, coordinate, fc.constantFrom(0, 1, 2));
const category = fc.constantFrom(...CATEGORIES);

const truth = fc.record(
  {
    image_id: fc.constantFrom(...IMAGES),
    category_id: category,
    corner: fc.tuple(coordinate, coordinate),
    /** Areas at, below and above the ends of COCO's ranges. */
    size: fc.tuple(fc.constantFrom(8, 32, 96, 200), fc.constantFrom(32, 96)),
    share: fc.constantFrom(0, 0.5, 1, 1),
    iscrowd: fc.constantFrom(undefined, 0 as const, 0 as const, 0 as const, 1 as const),
    points: fc.tuple(keypoint, keypoint, keypoint),
    countsKeypoints: fc.boolean(),
    /** Says 0 although keypoints are labelled: pycocotools believes it. */
    deniesKeypoints: fc.constantFrom(false, false, false, true),
  },
  {requiredKeys: undefined},
);

/** A detection of the annotation with this position, if there is one, moved a little; else of nobody. */
const detection = fc.record({
  of: fc.integer({min: 0, max: 11}),
  image_id: fc.constantFrom(...IMAGES),
  category_id: category,
  moved: fc.constantFrom(0, 0, 1, 3, 8, 40),
  score: fc.integer({min: 1, max: 5}).map((tenths) => tenths / 10),
  copies: fc.constantFrom(1, 1, 1, 1, 12),
});

type Truth = typeof truth extends fc.Arbitrary<infer T> ? T : never;
type Detection = typeof detection extends fc.Arbitrary<infer T> ? T : never;

function annotationOf({corner, size, share, points, iscrowd, ...rest}: Truth, i: number): CocoAnnotation {
  const keypoints = points.flatMap(([x, y, v]) => (v ? [corner[0] + x, corner[1] + y, v] : [0, 0, 0]));
  const labelled = rest.deniesKeypoints ? 0 : points.filter(([, , v]) => v > 0).length;
  return {
    id: i + 1,
    image_id: rest.image_id,
    category_id: rest.category_id,
    bbox: [...corner, ...size],
    area: share * size[0] * size[1],
    ...(iscrowd === undefined ? {} : {iscrowd}),
    keypoints,
    ...(rest.countsKeypoints || rest.deniesKeypoints ? {num_keypoints: labelled} : {}),
  };
}

function resultsOf(annotations: readonly CocoAnnotation[], found: Detection): CocoResult[] {
  const near: CocoAnnotation | undefined = annotations[found.of];
  const start = near?.keypoints ?? [10, 20, 1, 50, 60, 1, 90, 20, 1];
  const result: CocoResult = {
    image_id: near?.image_id ?? found.image_id,
    category_id: near?.category_id ?? found.category_id,
    keypoints: start.map((value, i) => (i % 3 === 0 ? value + found.moved : i % 3 === 1 ? value : 0.5)),
    bbox: (near?.bbox ?? [0, 0, 40, 60]).map((value, i) => (i < 2 ? value + found.moved : value)),
    score: found.score,
  };
  return new Array(found.copies).fill(result);
}

export const scenes: fc.Arbitrary<Scene> = fc
  .tuple(
    fc.array(truth, {maxLength: 10}),
    fc.array(detection, {maxLength: 14}),
    fc.integer({min: 1, max: IMAGES.length}),
  )
  .map(([truths, found, images]) => {
    const ids = IMAGES.slice(0, images);
    const annotations = truths.map(annotationOf).filter(({image_id: id}) => ids.includes(id));
    return {
      truth: {
        images: ids.map((id) => ({id, width: 640, height: 480})),
        annotations,
        categories: CATEGORIES.map((id) => ({id, name: `kind ${id}`, keypoints: ['a', 'b', 'c']})),
      },
      results: found
        .flatMap((each) => resultsOf(annotations, each))
        .filter(({image_id: id}) => ids.includes(id)),
    };
  });
