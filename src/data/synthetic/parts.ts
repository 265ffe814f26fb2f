/** @file The parts of a person that the depth test tells apart. */
import type {Side} from './skeleton.js';
import type {Solid} from './solids.js';

/** What a solid belongs to; a keypoint counts as seen on some of these only. */
export type Part =
  | 'head'
  | 'hair'
  | 'torso'
  | 'pelvis'
  | 'skirt'
  | `${Side}${'UpperArm' | 'Forearm' | 'Hand' | 'Thigh' | 'Shank' | 'Foot'}`;

export interface BodySolid {
  readonly part: Part;
  readonly solid: Solid;
}
