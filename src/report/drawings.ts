/** @file Skeletons drawn over photographs. */
import sharp from 'sharp';
import type {KeypointSet} from '../data/keypoints.js';
import {decodeImage} from '../data/loader/decode.js';
import type {RgbImage} from '../data/transforms/warp.js';
import {escapeMarkup} from './markup.js';

/** What drawing needs to know of a keypoint set. */
export type Skeleton = Pick<KeypointSet, 'names' | 'flipPairs' | 'skeleton' | 'parts'>;

export interface DrawnPerson {
  /** [keypoints × 3]: x, y in pixels of the image, and a score or a visibility; at or below 0 is not drawn. */
  readonly keypoints: ArrayLike<number>;
  /** The ground truth is drawn as thin dashed white lines beneath the predictions. */
  readonly isTruth?: boolean;
  /** Of all limbs, as in CSS; by default each limb has the keypoint set's. */
  readonly color?: string;
  /** The third numbers are visibilities, and joints of 1, hidden, are dark inside. */
  readonly marksHidden?: boolean;
}

export type Side = 'left' | 'right' | 'center';

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Of the joints, as in the keypoint sets that come with the package. */
const SIDE_COLORS: Readonly<Record<Side, string>> = {left: '#2ca02c', right: '#ff7f0e', center: '#1f77b4'};
const JPEG_QUALITY = 88;

/** The side of every keypoint; in a pair whose names do not tell, the first is the left one. */
export function sidesOf({names, flipPairs}: Pick<Skeleton, 'names' | 'flipPairs'>): Side[] {
  const sides: Side[] = names.map(() => 'center');
  for (const [a, b] of flipPairs) {
    const firstIsRight = /right|^r[_ -]/i.test(names[a]);
    sides[a] = firstIsRight ? 'right' : 'left';
    sides[b] = firstIsRight ? 'left' : 'right';
  }
  return sides;
}

/** The keypoints to be drawn; null for the others. */
function visiblePoints({keypoints}: DrawnPerson, count: number, minScore: number): (Point | null)[] {
  return Array.from({length: count}, (_, k) => {
    const [x, y, score] = [keypoints[3 * k], keypoints[3 * k + 1], keypoints[3 * k + 2]];
    return score > 0 && score >= minScore && Number.isFinite(x) && Number.isFinite(y) ? {x, y} : null;
  });
}

/** The diagonal of the points' bounds, in pixels. */
function sizeOf(points: readonly (Point | null)[]): number {
  const found = points.filter((point) => point !== null);
  const extent = (values: number[]) => Math.max(...values) - Math.min(...values);
  return Math.hypot(extent(found.map(({x}) => x)), extent(found.map(({y}) => y)));
}

/** Line width in pixels: it grows with the image, but a small person is not buried under it. */
function strokeWidth(points: readonly (Point | null)[], imageWidth: number, imageHeight: number): number {
  const ofImage = Math.sqrt(imageWidth * imageHeight) / 140;
  return Math.max(1, Math.min(Math.max(ofImage, 1.5), sizeOf(points) / 28));
}

/** Parts of fewer keypoints are never crowded. */
const CROWDED_PART = 12;
/** Of the typical distance between the keypoints of a crowded part, so much is its line width. */
const SHARE_OF_SPACING = 0.22;

/** The line width at each keypoint: thin where many lie close together, as in a face or a hand. */
function widthsAt(points: readonly (Point | null)[], {parts}: Skeleton, width: number): number[] {
  const widths = points.map(() => width);
  for (const part of Object.values(parts)) {
    const found = part.filter((k) => points[k]);
    if (found.length < CROWDED_PART || found.length === points.length) continue;
    const spacing = sizeOf(found.map((k) => points[k])) / Math.sqrt(found.length);
    for (const k of part) widths[k] = Math.min(widths[k], Math.max(0.4, SHARE_OF_SPACING * spacing));
  }
  return widths;
}

function line(from: Point, to: Point, style: string): string {
  const [x1, y1, x2, y2] = [from.x, from.y, to.x, to.y].map((value) => value.toFixed(1));
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${style}/>`;
}

function dot({x, y}: Point, radius: number, style: string): string {
  return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius.toFixed(2)}" ${style}/>`;
}

interface Limb {
  readonly from: Point;
  readonly to: Point;
  readonly color: string;
  readonly width: number;
}

interface Joint {
  readonly at: Point;
  readonly color: string;
  readonly width: number;
  readonly isHidden: boolean;
}

/** The ground truth: white, dashed, with a dark rim that shows on bright ground. */
function truthMarkup(limbs: readonly Limb[], joints: readonly Joint[]): string {
  const thin = (width: number) => Math.max(width * 0.5, 0.8);
  const rim = (width: number) => `stroke="#000" stroke-opacity=".45" stroke-width="${thin(width) * 2}"`;
  const dashes = (width: number) =>
    `stroke="#fff" stroke-width="${thin(width)}" stroke-dasharray="${width * 2} ${width * 1.5}" stroke-linecap="butt"`;
  const ring = (width: number) =>
    `fill="#fff" stroke="#000" stroke-opacity=".5" stroke-width="${thin(width) * 0.6}"`;
  return [
    ...limbs.map(({from, to, width}) => line(from, to, rim(width)) + line(from, to, dashes(width))),
    ...joints.map(({at, width}) => dot(at, width * 0.8, ring(width))),
  ].join('');
}

/** Joints as rings; where they would be too small for that, as dots. */
const SMALLEST_RING = 1;

/** A prediction: limbs over their dark rims, joints as rings on top. */
function predictionMarkup(limbs: readonly Limb[], joints: readonly Joint[]): string {
  const rim = (width: number) => `stroke="#000" stroke-opacity=".45" stroke-width="${width * 1.6}"`;
  const limbStyle = (color: string, width: number) =>
    `stroke="${escapeMarkup(color)}" stroke-width="${width}"`;
  const jointStyle = ({color, width, isHidden}: Joint) =>
    width < SMALLEST_RING
      ? `fill="${color}"`
      : `fill="${isHidden ? '#000' : '#fff'}" stroke="${color}" stroke-width="${width * 0.7}"`;
  return [
    ...limbs.map(({from, to, width}) => line(from, to, rim(width))),
    ...limbs.map(({from, to, color, width}) => line(from, to, limbStyle(color, width))),
    ...joints.map((joint) => dot(joint.at, joint.width * 0.9, jointStyle(joint))),
  ].join('');
}

/** One person as SVG elements. */
function personMarkup(person: DrawnPerson, skeleton: Skeleton, size: [number, number], minScore: number) {
  const points = visiblePoints(person, skeleton.names.length, minScore);
  if (points.every((point) => point === null)) return '';
  const sides = sidesOf(skeleton);
  const widths = widthsAt(points, skeleton, strokeWidth(points, ...size));
  const limbs = skeleton.skeleton.flatMap(({ends: [a, b], colour}): Limb[] => {
    const [from, to] = [points[a], points[b]];
    const width = Math.min(widths[a], widths[b]);
    return from && to ? [{from, to, color: person.color ?? colour, width}] : [];
  });
  const joints = points.flatMap((at, k): Joint[] => {
    const isHidden = person.marksHidden === true && person.keypoints[3 * k + 2] === 1;
    return at ? [{at, color: SIDE_COLORS[sides[k]], width: widths[k], isHidden}] : [];
  });
  return person.isTruth ? truthMarkup(limbs, joints) : predictionMarkup(limbs, joints);
}

/**
 * An image with people drawn on it, as a JPEG file of the same size. Left joints are green, right ones orange, those
 * of the middle blue; the ground truth lies beneath, white and dashed.
 * @param image pixels, or an image file
 * @param minScore keypoints below it are left out
 * @throws UserError (data) if the image file cannot be read
 */
export async function drawPeople(
  image: RgbImage | string,
  people: readonly DrawnPerson[],
  skeleton: Skeleton,
  minScore = 0.2,
): Promise<Buffer> {
  const {data, width, height} = typeof image === 'string' ? await decodeImage(image) : image;
  const truthFirst = [...people].sort((a, b) => Number(b.isTruth ?? false) - Number(a.isTruth ?? false));
  const shapes = truthFirst
    .map((person) => personMarkup(person, skeleton, [width, height], minScore))
    .join('');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g stroke-linecap="round">${shapes}</g></svg>`;
  return sharp(data, {raw: {width, height, channels: 3}})
    .composite([{input: Buffer.from(svg)}])
    .jpeg({quality: JPEG_QUALITY})
    .toBuffer();
}
