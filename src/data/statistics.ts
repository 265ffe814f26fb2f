/** @file What a dataset's people are like: how many, how large, how well labelled, how crowded. */
import type {Box} from './types.js';

/** COCO's bounds of small, medium and large, in square pixels. */
const SMALL_AREA = 32 ** 2;
const LARGE_AREA = 96 ** 2;

/** One person, as far as statistics go. */
export interface CountedPerson {
  readonly imageId: number;
  readonly box: Box;
  /** [keypoints × 3]: x, y and visibility. */
  readonly keypoints: readonly number[];
}

/** How many values lie from `from` (included) to `to` (not included; null: no bound). */
export interface Bin {
  readonly from: number;
  readonly to: number | null;
  readonly count: number;
}

export interface Distribution {
  readonly mean: number;
  /** At 5, 25, 50, 75 and 95 %. */
  readonly quantiles: readonly number[];
  readonly bins: readonly Bin[];
}

/** How many people have a keypoint of each visibility. */
export interface KeypointVisibility {
  readonly name: string;
  readonly unlabelled: number;
  readonly hidden: number;
  readonly visible: number;
}

export interface PeopleStatistics {
  readonly images: number;
  readonly people: number;
  /** Images by their number of people; images without one are at 0. */
  readonly peoplePerImage: Distribution;
  /** By the area of the box: below 32², below 96², the others. */
  readonly sizes: {readonly small: number; readonly medium: number; readonly large: number};
  /** The square root of the box's area, in pixels. */
  readonly boxSide: Distribution;
  /** Width / height of the box. */
  readonly aspectRatio: Distribution;
  readonly visibility: readonly KeypointVisibility[];
  readonly labelledKeypoints: Distribution;
  /** The greatest intersection over union of a person's box with another's of the image. */
  readonly greatestOverlap: Distribution;
  /** Of images (CrowdPose's, Li et al. 2019; at most 1): keypoints of others in a person's box for one of its own, on average. */
  readonly crowdIndex: Distribution;
}

const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95];

/**
 * @param imageIds of the whole set, also of images without people
 * @param names of the keypoints
 */
export function describePeople(
  people: readonly CountedPerson[],
  imageIds: readonly number[],
  names: readonly string[],
): PeopleStatistics {
  const byImage = new Map<number, CountedPerson[]>(imageIds.map((id) => [id, []]));
  for (const person of people) byImage.get(person.imageId)?.push(person);
  const groups = [...byImage.values()];
  const areas = people.map(({box: [, , width, height]}) => width * height);
  const small = areas.filter((area) => area < SMALL_AREA).length;
  const large = areas.filter((area) => area >= LARGE_AREA).length;
  const peopled = groups.filter((group) => group.length > 0);
  return {
    images: imageIds.length,
    people: people.length,
    peoplePerImage: distribution(
      groups.map((group) => group.length),
      wholeNumbers(20),
    ),
    sizes: {small, medium: people.length - small - large, large},
    boxSide: distribution(areas.map(Math.sqrt), BOX_SIDES),
    aspectRatio: distribution(people.flatMap(aspectRatioOf), steps(0, 2, 0.1)),
    visibility: names.map((name, k) => visibilityOf(people, name, k)),
    labelledKeypoints: distribution(people.map(labelledOf), labelBins(names.length)),
    greatestOverlap: distribution(groups.flatMap(greatestOverlaps), steps(0, 0.9, 0.1)),
    crowdIndex: distribution(peopled.map(crowdIndex), steps(0, 0.9, 0.1)),
  };
}

/** 8, 11.3, 16 … pixels: 32 and 96 (about) are among them. */
const BOX_SIDES = [0, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768];

function steps(from: number, to: number, step: number): number[] {
  return Array.from({length: Math.round((to - from) / step) + 1}, (_, i) =>
    Number((from + i * step).toFixed(6)),
  );
}

const wholeNumbers = (most: number): number[] => steps(0, most, 1);

/** One bin for each number, or a few numbers where there are many keypoints. */
function labelBins(keypoints: number): number[] {
  const step = Math.ceil((keypoints + 1) / 24);
  return steps(0, Math.ceil(keypoints / step) * step, step);
}

/** @param edges where bins begin, ascending; the last bin is open above, and empty ones at the end are left out */
function distribution(values: readonly number[], edges: readonly number[]): Distribution {
  const sorted = Float64Array.from(values).sort();
  const counts = new Array<number>(edges.length).fill(0);
  let bin = 0;
  for (const value of sorted) {
    // Sums of tenths are a little off.
    while (bin + 1 < edges.length && edges[bin + 1] <= value + 1e-9) bin++;
    counts[bin]++;
  }
  return {
    mean: sorted.length === 0 ? 0 : sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    quantiles: QUANTILES.map((share) => quantile(sorted, share)),
    bins: counts
      .map((count, i) => ({from: edges[i], to: edges[i + 1] ?? null, count}))
      .slice(0, sorted.length === 0 ? 0 : bin + 1),
  };
}

/** Between the two nearest values in proportion, as NumPy does; 0 of no values. */
function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return 0;
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/** Nothing of a box without a height. */
const aspectRatioOf = ({box: [, , width, height]}: CountedPerson): number[] =>
  height > 0 ? [width / height] : [];

function labelledOf({keypoints}: CountedPerson): number {
  let count = 0;
  for (let i = 2; i < keypoints.length; i += 3) if (keypoints[i] > 0) count++;
  return count;
}

function visibilityOf(people: readonly CountedPerson[], name: string, k: number): KeypointVisibility {
  const counts = [0, 0, 0];
  for (const {keypoints} of people) counts[keypoints[3 * k + 2]]++;
  return {name, unlabelled: counts[0], hidden: counts[1], visible: counts[2]};
}

/** Intersection over union; 0 of boxes without an area. */
export function boxOverlap(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a[2] * a[3] + b[2] * b[3] - shared);
}

function greatestOverlaps(group: readonly CountedPerson[]): number[] {
  return group.map((person) =>
    group.reduce(
      (most, other) => (other === person ? most : Math.max(most, boxOverlap(person.box, other.box))),
      0,
    ),
  );
}

function crowdIndex(group: readonly CountedPerson[]): number {
  const shares = group.map((person) => {
    const own = keypointsIn(person.box, person);
    const all = group.reduce((sum, other) => sum + keypointsIn(person.box, other), 0);
    return own === 0 ? 0 : (all - own) / own;
  });
  return Math.min(1, shares.reduce((sum, share) => sum + share, 0) / group.length);
}

function keypointsIn([left, top, width, height]: Box, {keypoints}: CountedPerson): number {
  let count = 0;
  for (let i = 0; i < keypoints.length; i += 3) {
    const [x, y] = [keypoints[i], keypoints[i + 1]];
    const isInside = x >= left && x <= left + width && y >= top && y <= top + height;
    if (isInside && keypoints[i + 2] > 0) count++;
  }
  return count;
}
