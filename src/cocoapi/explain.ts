/** @file In words, why figures are −1. */
import type {COCOeval} from './cocoEval.js';
import {FIGURES} from './summary.js';

/** COCO's upper bound of "large", in pixels²: no bound at all. */
const UNBOUNDED = 1e5 ** 2;

/**
 * A sentence for every area range whose figures are −1, or null where all could be measured.
 * @param evaluator after `accumulate`
 */
export function explainMinusOne(evaluator: COCOeval): string | null {
  const stats: Readonly<Record<string, number>> = evaluator.statsObject();
  const missing = FIGURES[evaluator.params.iouType].filter(({name}) => stats[name] === -1);
  const areas = new Set(missing.map(({area}) => area));
  const sentences = [...areas].map((area) => {
    const names = missing.filter((figure) => figure.area === area).map(({name}) => name);
    return `${names.join(', ')} ${names.length > 1 ? 'are' : 'is'} -1: ${reason(evaluator, area)}`;
  });
  return sentences.length > 0 ? sentences.join(' ') : null;
}

function reason({params, evalImgs}: COCOeval, area: string): string {
  const range = params.areaRng[params.areaRngLbl.indexOf(area)];
  const isFound = evalImgs.some((image) => image?.aRng === range && image.gtIgnore.includes(0));
  if (range === undefined || isFound) {
    return "params.iouThrs, params.maxDets or params.areaRngLbl lack the figure's own setting.";
  }
  const what = params.iouType === 'keypoints' ? 'person with labelled keypoints' : 'object';
  const size = area === 'all' ? '' : ` and an area ${sizeInWords(range)}`;
  return `the ground truth of the ${params.imgIds.length} evaluated images has no ${what}${size} (crowds do not count).`;
}

function sizeInWords([low, high]: readonly [number, number]): string {
  if (high >= UNBOUNDED) return `of ${low} square pixels or more`;
  return low === 0 ? `of at most ${high} square pixels` : `of ${low} to ${high} square pixels`;
}
