/** @file Keypoint sets without anything but names, for tests of how files are read. */
import type {KeypointSet} from '../../src/data/keypoints.js';

export function plainSet(name: string, names: readonly string[]): KeypointSet {
  return {
    name,
    names,
    flipPairs: [],
    sigmas: names.map(() => 0.05),
    skeleton: [],
    upperBody: [],
    lowerBody: [],
    parts: {},
  };
}

export const numberedSet = (name: string, count: number): KeypointSet =>
  plainSet(
    name,
    Array.from({length: count}, (_, i) => `k${i}`),
  );

export const LSP14 = plainSet('lsp14', [
  ...['right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee', 'left_ankle', 'right_wrist'],
  ...['right_elbow', 'right_shoulder', 'left_shoulder', 'left_elbow', 'left_wrist', 'neck', 'head_top'],
]);

export const MPII16 = plainSet('mpii16', [
  ...['right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee', 'left_ankle', 'pelvis', 'thorax'],
  ...[
    'upper_neck',
    'head_top',
    'right_wrist',
    'right_elbow',
    'right_shoulder',
    'left_shoulder',
    'left_elbow',
  ],
  'left_wrist',
]);
