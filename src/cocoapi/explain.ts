/** @file In words, why figures are −1 or 0, and what to do about it. */
import type {COCOeval} from './cocoEval.js';
import {explainNothingRight} from './explainZero.js';
import {countLabelled} from './similarity.js';
import {FIGURES} from './summary.js';
import type {CocoAnnotation} from './types.js';

/** COCO's upper bound of "large", in pixels²: no bound at all. */
const UNBOUNDED = 1e5 ** 2;

/**
 * A paragraph on every figure that is −1, on an AP of 0, and on an annotation that can never be found; null where
 * nothing is amiss.
 * @param evaluator after `accumulate`
 */
export function explainFigures(evaluator: COCOeval): string | null {
  const sentences = [explainMinusOne(evaluator), explainNothingRight(evaluator), explainZeroId(evaluator)];
  return sentences.filter((sentence) => sentence !== null).join('\n') || null;
}

/**
 * A sentence for every area range whose figures are −1, or null where all could be measured.
 * @param evaluator after `accumulate`
 */
export function explainMinusOne(evaluator: COCOeval): string | null {
  const stats: Readonly<Record<string, number>> = evaluator.statsObject();
  const missing = FIGURES[evaluator.params.iouType].filter(({name}) => stats[name] === -1);
  // Where nothing at all is there to be found, that is the cause in every range.
  const all = missing.length === Object.keys(stats).length;
  const areas = all ? ['all'] : [...new Set(missing.map(({area}) => area))];
  const sentences = areas.map((area) => {
    const figures = all ? missing : missing.filter((figure) => figure.area === area);
    const names = figures.map(({name}) => name);
    return `${names.join(', ')} ${names.length > 1 ? 'are' : 'is'} -1: ${reason(evaluator, area)}`;
  });
  return sentences.length > 0 ? sentences.join(' ') : null;
}

function reason(evaluator: COCOeval, area: string): string {
  const {params, evalImgs} = evaluator;
  const range = params.areaRng[params.areaRngLbl.indexOf(area)];
  const isFound = evalImgs.some((image) => image?.aRng === range && image.gtIgnore.includes(0));
  if (range === undefined || isFound) {
    return "params.iouThrs, params.maxDets or params.areaRngLbl lack the figure's own setting.";
  }
  const cause = nothingToFind(evaluator);
  if (cause !== null) return cause;
  const size = area === 'all' ? '' : ` and an area ${sizeInWords(range)}`;
  return `the ground truth of the ${params.imgIds.length} evaluated images has no ${wanted(evaluator)}${size} (crowds do not count). ${areasInWords(counted(evaluator))}`;
}

function wanted({iouType}: COCOeval): string {
  return iouType === 'keypoints' ? 'person with labelled keypoints' : 'object';
}

function sizeInWords([low, high]: readonly [number, number]): string {
  if (high >= UNBOUNDED) return `of ${low} square pixels or more`;
  return low === 0 ? `of at most ${high} square pixels` : `of ${low} to ${high} square pixels`;
}

function annotationsOf({cocoGt, params}: COCOeval): CocoAnnotation[] {
  return params.imgIds.flatMap((image) => cocoGt.imgToAnns.get(image) ?? []);
}

/** Annotations that count, whatever their area. */
function counted(evaluator: COCOeval): CocoAnnotation[] {
  return annotationsOf(evaluator).filter(
    (annotation) => !annotation.iscrowd && isLabelled(annotation, evaluator),
  );
}

function isLabelled({keypoints, num_keypoints: labelled}: CocoAnnotation, {iouType}: COCOeval): boolean {
  return iouType !== 'keypoints' || (labelled ?? countLabelled(keypoints ?? [])) > 0;
}

/** Why the ground truth has nothing at all that counts; null if it is only a matter of areas. */
function nothingToFind(evaluator: COCOeval): string | null {
  const {cocoGt, params} = evaluator;
  const {source, annotations} = cocoGt.dataset;
  if (annotations.length === 0)
    return `${source} has no annotations. Name the file of a split that has them; those of COCO's test images have none.`;
  const here = annotationsOf(evaluator);
  if (here.length === 0)
    return `none of the ${annotations.length} annotations of ${source} belongs to one of the ${params.imgIds.length} evaluated images. Do both come from the same split?`;
  const ofCategory = here.filter(({category_id: id}) => params.catIds.includes(id));
  if (ofCategory.length === 0)
    return `the annotations have the category ids ${listed(here.map(({category_id: id}) => id))}; evaluated is ${listed(params.catIds)}. Correct "category_id" or params.catIds.`;
  const people = ofCategory.filter(({iscrowd}) => !iscrowd);
  if (people.length === 0)
    return `all ${ofCategory.length} annotations are crowds ("iscrowd": 1), which do not count. Set "iscrowd": 0 for single people.`;
  if (people.some((annotation) => isLabelled(annotation, evaluator))) return null;
  const hidden = people.filter(({keypoints}) => countLabelled(keypoints ?? []) > 0).length;
  return hidden > 0
    ? `"num_keypoints" is 0 for every person, and whoever has none is ignored, but ${hidden} of ${people.length} have labelled keypoints. Set it to the number of keypoints with a visibility above 0, or leave it out.`
    : `no keypoint of the ${people.length} people is labelled: all visibilities are 0. Write 1 (hidden) or 2 (visible) as the third number of each labelled keypoint.`;
}

function areasInWords(annotations: readonly CocoAnnotation[]): string {
  const areas = annotations.map(({area}) => area).sort((a, b) => a - b);
  const range = `Their "area" goes from ${round(areas[0])} to ${round(areas[areas.length - 1])}`;
  return areas[areas.length - 1] > 0
    ? `${range}; if that is right, there is nothing to mend.`
    : `${range}: write the person's area in square pixels, for want of a mask the box's.`;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

function listed(values: readonly number[]): string {
  return [...new Set(values)].slice(0, 5).join(', ') || 'none';
}

/** pycocotools writes the id of the match, and 0 for none. */
function explainZeroId({cocoGt, params}: COCOeval): string | null {
  const annotation = cocoGt.anns.get(0);
  if (!annotation || annotation.iscrowd || !params.imgIds.includes(annotation.image_id)) return null;
  return `${cocoGt.dataset.source}: an annotation has the id 0, which counts as missed even when it is found, as in pycocotools. Number annotations from 1.`;
}
