/** @file COCO's annotation of a rendered person: keypoints with honest visibility, box and area. */
import {type Camera, project} from './camera.js';
import type {Part} from './parts.js';
import type {Rendering} from './render.js';
import type {Scene} from './scene.js';
import {type Joint, SIDES, type Side} from './skeleton.js';

interface KeypointRule {
  readonly name: string;
  readonly joint: Joint;
  /** The parts on whose surface the joint may be seen. */
  readonly parts: readonly Part[];
  /** How far before the joint that surface may lie, as a fraction of the body height. */
  readonly gap: number;
}

const sided = (name: string, joint: 'Eye' | 'Ear', gap: number): KeypointRule[] =>
  SIDES.map((side) => ({name: `${side}_${name}`, joint: `${side}${joint}`, parts: ['head'], gap}));

type BodyJoint = 'Shoulder' | 'Elbow' | 'Wrist' | 'Hip' | 'Knee' | 'Ankle';

const onBody = (joint: BodyJoint, gap: number, parts: (side: Side) => readonly Part[]): KeypointRule[] =>
  SIDES.map((side) => ({
    name: `${side}_${joint.toLowerCase()}`,
    joint: `${side}${joint}`,
    parts: parts(side),
    gap,
  }));

/** COCO's 17 keypoints, in COCO's order. */
export const KEYPOINT_RULES: readonly KeypointRule[] = [
  {name: 'nose', joint: 'nose', parts: ['head'], gap: 0.02},
  ...sided('eye', 'Eye', 0.02),
  ...sided('ear', 'Ear', 0.016),
  ...onBody('Shoulder', 0.075, (side) => ['torso', `${side}UpperArm`]),
  ...onBody('Elbow', 0.05, (side) => [`${side}UpperArm`, `${side}Forearm`]),
  ...onBody('Wrist', 0.045, (side) => [`${side}Forearm`, `${side}Hand`]),
  ...onBody('Hip', 0.105, (side) => ['pelvis', 'torso', 'skirt', `${side}Thigh`]),
  ...onBody('Knee', 0.06, (side) => [`${side}Thigh`, `${side}Shank`]),
  ...onBody('Ankle', 0.055, (side) => [`${side}Shank`, `${side}Foot`]),
];

/** COCO's bones, by keypoint numbers from 1. */
export const SKELETON: readonly (readonly [number, number])[] = [
  [16, 14],
  [14, 12],
  [17, 15],
  [15, 13],
  [12, 13],
  [6, 12],
  [7, 13],
  [6, 7],
  [6, 8],
  [7, 9],
  [8, 10],
  [9, 11],
  [2, 3],
  [1, 2],
  [1, 3],
  [2, 4],
  [3, 5],
  [4, 6],
  [5, 7],
];

/** A person's annotation, but for its ids. */
export interface PersonAnnotation {
  /** [17 × 3]: x, y and visibility; pixels, to a hundredth. */
  readonly keypoints: readonly number[];
  /** How many keypoints are in the frame. */
  readonly num_keypoints: number;
  /** Of the silhouette in the frame, as if nothing stood before it; so is `area`, in pixels. */
  readonly bbox: readonly [number, number, number, number];
  readonly area: number;
}

/** The people of whom something is in the frame. */
export function annotatePeople(scene: Scene, rendering: Rendering): PersonAnnotation[] {
  const annotations = scene.people.map((_, person) => {
    const triples = KEYPOINT_RULES.map((rule) => annotateKeypoint(scene, rendering, person, rule));
    const {area, box} = rendering.silhouettes[person];
    return {
      keypoints: triples.flat(),
      num_keypoints: triples.filter(([, , visibility]) => visibility > 0).length,
      bbox: box,
      area,
    };
  });
  return annotations.filter(({num_keypoints, area}) => num_keypoints > 0 && area > 0);
}

function annotateKeypoint(
  {camera, people}: Scene,
  rendering: Rendering,
  person: number,
  rule: KeypointRule,
): [number, number, number] {
  const {skeleton} = people[person];
  const [x, y, depth] = project(camera, skeleton.joints[rule.joint]);
  if (!(depth > 0) || !isInFrame(camera, x, y)) return [0, 0, 0];
  const nearest = depth - rule.gap * skeleton.proportions.height;
  const seen = isSeen(rendering, person, rule, [x, y], nearest);
  return [hundredths(x), hundredths(y), seen ? 2 : 1];
}

/** Pixel centres are at halves: the last coordinate that rounding cannot push out is below the width. */
const isInFrame = ({width, height}: Camera, x: number, y: number): boolean =>
  x >= 0 && y >= 0 && x < width - 0.005 && y < height - 0.005;

const hundredths = (value: number): number => Math.round(value * 100) / 100;

/** Whether the joint's own parts are in front at its pixel or a neighbouring one. */
function isSeen(
  {canvas, owners}: Rendering,
  person: number,
  {parts}: KeypointRule,
  [x, y]: readonly [number, number],
  nearest: number,
): boolean {
  const [col, row] = [Math.floor(x), Math.floor(y)];
  const steps = [
    [0, 0],
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ];
  return steps.some(([dx, dy]) => {
    if (col + dx < 0 || col + dx >= canvas.width || row + dy < 0 || row + dy >= canvas.height) return false;
    const pixel = (row + dy) * canvas.width + col + dx;
    const owner = owners[canvas.surface[pixel]];
    return owner?.person === person && parts.includes(owner.part) && canvas.depth[pixel] >= nearest;
  });
}
