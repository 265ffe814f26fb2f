/** @file The settings of an evaluation, with pycocotools' defaults. */

export type IouType = 'keypoints' | 'bbox';

/** Set them before `evaluate`. */
export interface Params {
  readonly iouType: IouType;
  /** Images and categories to evaluate; all of the ground truth's by default. */
  imgIds: number[];
  catIds: number[];
  /** False: compared regardless of category; pycocotools then finds no likeness of keypoints at all, this does. */
  useCats: boolean;
  iouThrs: number[];
  recThrs: number[];
  /** How many detections of an image are looked at, best first. */
  maxDets: number[];
  /** Least and greatest area in pixels², both included. */
  areaRng: (readonly [number, number])[];
  areaRngLbl: string[];
  /** One for every keypoint; boxes have no use for them. */
  kptOksSigmas: ArrayLike<number>;
}

/** Ten times COCO's constants for its 17 keypoints: dividing gives pycocotools' doubles. */
const TENFOLD_SIGMAS = [
  0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89,
];

const ALL = [0, 1e5 ** 2] as const;
const SMALL = [0, 32 ** 2] as const;
const MEDIUM = [32 ** 2, 96 ** 2] as const;
const LARGE = [96 ** 2, 1e5 ** 2] as const;

/** numpy's linspace, to the last bit: 0.9 comes out as 0.8999999999999999 there, and a tie may hang on it. */
function linspace(first: number, last: number, count: number): number[] {
  const step = (last - first) / (count - 1);
  return Array.from({length: count}, (_, i) => (i === count - 1 ? last : i * step + first));
}

export function defaultParams(iouType: IouType): Params {
  const isKeypoints = iouType === 'keypoints';
  return {
    iouType,
    imgIds: [],
    catIds: [],
    useCats: true,
    iouThrs: linspace(0.5, 0.95, 10),
    recThrs: linspace(0, 1, 101),
    maxDets: isKeypoints ? [20] : [1, 10, 100],
    areaRng: isKeypoints ? [ALL, MEDIUM, LARGE] : [ALL, SMALL, MEDIUM, LARGE],
    areaRngLbl: isKeypoints ? ['all', 'medium', 'large'] : ['all', 'small', 'medium', 'large'],
    kptOksSigmas: Float64Array.from(TENFOLD_SIGMAS, (tenfold) => tenfold / 10),
  };
}
