/** @file The datasets of HRNet's files: where each has its annotations and images (lib/dataset there). */
import type {LegacyConfig} from './keys.js';

interface SplitFiles {
  readonly annotations: string;
  readonly images: string;
  readonly headBoxes: string | null;
}

export interface LegacyDataset {
  /** Ours: `dataset.type`. */
  readonly type: string;
  /** Ours: `dataset.keypoints`. */
  readonly keypoints: string;
  readonly joints: number;
  /** Ours: `eval.metrics`. */
  readonly metrics: readonly string[];
  /** People are cut out by annotated boxes, whatever TEST.USE_GT_BBOX says. */
  readonly hasNoDetector: boolean;
  files(set: string, isZip: boolean): SplitFiles;
}

/** COCO 2014 and 2017; the test sets have images and no people. */
const coco: LegacyDataset = {
  type: 'coco',
  keypoints: 'coco17',
  joints: 17,
  metrics: ['oks'],
  hasNoDetector: false,
  files(set, isZip) {
    const isTest = set.includes('test');
    const folder = isTest ? 'test2017' : set;
    return {
      annotations: `annotations/${isTest ? 'image_info' : 'person_keypoints'}_${set}.json`,
      images: `images/${folder}${isZip ? '.zip' : ''}`,
      headBoxes: null,
    };
  },
};

const mpii: LegacyDataset = {
  type: 'mpii',
  keypoints: 'mpii16',
  joints: 16,
  metrics: ['pckh'],
  hasNoDetector: true,
  files: (set, isZip) => ({
    annotations: `annot/${set}.json`,
    images: isZip ? 'images.zip' : 'images',
    headBoxes: `annot/gt_${set}.mat`,
  }),
};

/** DATASET.DATASET -> the dataset. */
export const LEGACY_DATASETS: Readonly<Record<string, LegacyDataset>> = {coco, mpii};

/** The people of MPII's test images have no published joints; RDPose's files name them all the same. */
export function evaluatedSet({DATASET}: LegacyConfig): string {
  return DATASET.DATASET === 'mpii' && DATASET.TEST_SET === 'test' ? 'valid' : DATASET.TEST_SET;
}
