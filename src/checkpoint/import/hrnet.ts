/** @file HRNet (Sun et al. 2019): the authors' names are ours; MMPose puts its parts' names before them. */
import {type Family, MMPOSE_EXTRAS, RDPOSE_PARTS} from './family.js';

export const HRNET: Family = {
  name: 'HRNet',
  mark: /(^|\.)stage2\.0\.branches\./,
  rules: [
    ...MMPOSE_EXTRAS,
    // MMPose: `keypoint_head` up to 0.x, `head` from 1.0 on.
    [/^(?:keypoint_head|head)\.final_layer\.(weight|bias)$/, 'final_layer.$1'],
    [/^(?:backbone\.)?((?:conv|bn)[12]\..+)$/, '$1'],
    [/^(?:backbone\.)?((?:layer1|transition[123]|stage[234])\..+)$/, '$1'],
    [/^(final_layer\.(?:weight|bias))$/, '$1'],
    ...RDPOSE_PARTS,
  ],
};
