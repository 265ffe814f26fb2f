/** @file COCO's annotation of a rendered person: keypoints with honest visibility, box and area. */
import {type Camera, project, toCamera} from './camera.js';
import type {Vec3} from './geometry.js';
import type {Part} from './parts.js';
import type {Rendering} from './render.js';
import type {Scene} from './scene.js';
import {crownOf, type Joint, SIDES, type Side, type Skeleton} from './skeleton.js';

interface KeypointRule {
  readonly locate: (skeleton: Skeleton) => Vec3;
  /** The parts on whose surface the keypoint may be seen. */
  readonly parts: readonly Part[];
  /** How far before the keypoint that surface may lie, as a fraction of the body height. */
  readonly gap: number;
}

type NamedRule = readonly [name: string, rule: KeypointRule];

const atJoint =
  (joint: Joint) =>
  ({joints}: Skeleton): Vec3 =>
    joints[joint];

const sided = (name: string, joint: 'Eye' | 'Ear', gap: number): NamedRule[] =>
  SIDES.map((side) => [`${side}_${name}`, {locate: atJoint(`${side}${joint}`), parts: ['head'], gap}]);

type BodyJoint = 'Shoulder' | 'Elbow' | 'Wrist' | 'Hip' | 'Knee' | 'Ankle';

const onBody = (joint: BodyJoint, gap: number, parts: (side: Side) => readonly Part[]): NamedRule[] =>
  SIDES.map((side) => [
    `${side}_${joint.toLowerCase()}`,
    {locate: atJoint(`${side}${joint}`), parts: parts(side), gap},
  ]);

const neckBase: KeypointRule = {locate: atJoint('neck'), parts: ['torso', 'head', 'hair'], gap: 0.075};
const crown: KeypointRule = {locate: crownOf, parts: ['head', 'hair'], gap: 0.06};

/** Where the keypoints of the usual sets are on the body, by their names in COCO, MPII, LSP and CrowdPose. */
const RULES: ReadonlyMap<string, KeypointRule> = new Map<string, KeypointRule>([
  ['nose', {locate: atJoint('nose'), parts: ['head'], gap: 0.02}],
  ...sided('eye', 'Eye', 0.02),
  ...sided('ear', 'Ear', 0.016),
  ...onBody('Shoulder', 0.075, (side) => ['torso', `${side}UpperArm`]),
  ...onBody('Elbow', 0.05, (side) => [`${side}UpperArm`, `${side}Forearm`]),
  ...onBody('Wrist', 0.045, (side) => [`${side}Forearm`, `${side}Hand`]),
  ...onBody('Hip', 0.105, (side) => ['pelvis', 'torso', 'skirt', `${side}Thigh`]),
  ...onBody('Knee', 0.06, (side) => [`${side}Thigh`, `${side}Shank`]),
  ...onBody('Ankle', 0.055, (side) => [`${side}Shank`, `${side}Foot`]),
  [
    'pelvis',
    {
      locate: atJoint('pelvis'),
      parts: ['pelvis', 'torso', 'skirt', 'leftThigh', 'rightThigh'],
      gap: 0.105,
    },
  ],
  ['thorax', neckBase],
  ['neck', neckBase],
  ['upper_neck', {locate: atJoint('headBase'), parts: ['head', 'hair'], gap: 0.07}],
  ['head_top', crown],
  ['head', crown],
]);

/**
 * Of the names, those that people of this world do not have.
 * @param names of keypoints
 */
export const unplaceable = (names: readonly string[]): string[] => names.filter((name) => !RULES.has(name));

/** Of whom less of the silhouette than this is to be seen, a box is all that an annotator would give. */
const LEAST_SEEN = 0.08;

/** A person's annotation, but for its ids. */
export interface PersonAnnotation {
  /** [keypoints × 3]: x, y and visibility; pixels, to a hundredth. */
  readonly keypoints: readonly number[];
  /** [keypoints] of x to the right, y down and depth from the camera, in metres; also of those out of the frame. */
  readonly keypoints_3d: readonly Vec3[];
  /** How many keypoints are labelled: those in the frame; none of somebody who can hardly be seen behind others. */
  readonly num_keypoints: number;
  /** Of the silhouette in the frame, as if nothing stood before it; so is `area`, in pixels. */
  readonly bbox: readonly [number, number, number, number];
  readonly area: number;
}

/**
 * The people of whom something is in the frame.
 * @param names of the keypoints to annotate, none of them unplaceable
 */
export function annotatePeople(
  scene: Scene,
  rendering: Rendering,
  names: readonly string[],
): PersonAnnotation[] {
  const rules = names.map((name) => RULES.get(name)!);
  const pixels = visiblePixels(rendering, scene.people.length);
  return scene.people.flatMap(({skeleton}, person): PersonAnnotation[] => {
    const triples = rules.map((rule) => annotateKeypoint(scene, rendering, person, rule));
    const inFrame = triples.filter(([, , visibility]) => visibility > 0).length;
    const {area, box} = rendering.silhouettes[person];
    if (inFrame === 0 || area === 0) return [];
    const isLost = pixels[person] < LEAST_SEEN * area;
    return [
      {
        keypoints: isLost ? triples.flat().fill(0) : triples.flat(),
        keypoints_3d: rules.map(({locate}) => tenthsOfMillimetres(toCamera(scene.camera, locate(skeleton)))),
        num_keypoints: isLost ? 0 : inFrame,
        bbox: box,
        area,
      },
    ];
  });
}

/** How many pixels show each person. */
function visiblePixels({canvas, owners}: Rendering, people: number): number[] {
  const counts = new Array<number>(people).fill(0);
  for (const surface of canvas.surface) {
    const owner = owners[surface];
    if (owner) counts[owner.person]++;
  }
  return counts;
}

function annotateKeypoint(
  {camera, people}: Scene,
  rendering: Rendering,
  person: number,
  rule: KeypointRule,
): [number, number, number] {
  const {skeleton} = people[person];
  const [x, y, depth] = project(camera, rule.locate(skeleton));
  if (!(depth > 0) || !isInFrame(camera, x, y)) return [0, 0, 0];
  const nearest = depth - rule.gap * skeleton.proportions.height;
  const seen = isSeen(rendering, person, rule, [x, y], nearest);
  return [hundredths(x), hundredths(y), seen ? 2 : 1];
}

/** Pixel centres are at halves: the last coordinate that rounding cannot push out is below the width. */
const isInFrame = ({width, height}: Camera, x: number, y: number): boolean =>
  x >= 0 && y >= 0 && x < width - 0.005 && y < height - 0.005;

const tenthsOfMillimetres = ([x, y, z]: Vec3): Vec3 => [round4(x), round4(y), round4(z)];

const round4 = (value: number): number => Math.round(value * 1e4) / 1e4;

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
