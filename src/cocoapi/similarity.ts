/** @file How much a detection resembles an annotation: OKS of keypoints, IoU of boxes, as pycocotools computes them. */
import type {CocoAnnotation} from './types.js';

/** numpy's spacing(1): keeps an annotation without area from dividing by 0. */
const SPACING = 2 ** -52;

/**
 * Object keypoint similarity: exp(−d² / (2·area·(2σ)²)), averaged over the labelled keypoints. Where none is
 * labelled, d is the distance to the annotation's box enlarged by its own size on every side, over all keypoints.
 */
export function oks(detection: CocoAnnotation, truth: CocoAnnotation, sigmas: ArrayLike<number>): number {
  const d = detection.keypoints!;
  const g = truth.keypoints!;
  const labelled = countLabelled(g);
  if (labelled === 0) return oksToBox(d, truth, sigmas);
  let sum = 0;
  for (let k = 0; k < sigmas.length; k++) {
    if (g[3 * k + 2] > 0) {
      sum += term(d[3 * k] - g[3 * k], d[3 * k + 1] - g[3 * k + 1], sigmas[k], truth.area);
    }
  }
  return sum / labelled;
}

function oksToBox(d: readonly number[], {bbox, area}: CocoAnnotation, sigmas: ArrayLike<number>): number {
  const [x, y, width, height] = bbox;
  let sum = 0;
  for (let k = 0; k < sigmas.length; k++) {
    const dx = outside(d[3 * k], x - width, x + width * 2);
    const dy = outside(d[3 * k + 1], y - height, y + height * 2);
    sum += term(dx, dy, sigmas[k], area);
  }
  return sum / sigmas.length;
}

function term(dx: number, dy: number, sigma: number, area: number): number {
  return Math.exp(-((dx * dx + dy * dy) / (sigma * 2) ** 2 / (area + SPACING) / 2));
}

/** How far `value` lies outside [low, high]. */
function outside(value: number, low: number, high: number): number {
  return Math.max(0, low - value) + Math.max(0, value - high);
}

/** How many of [keypoints × 3] have a visibility above 0. */
export function countLabelled(keypoints: readonly number[]): number {
  let count = 0;
  for (let i = 2; i < keypoints.length; i += 3) if (keypoints[i] > 0) count++;
  return count;
}

/** Intersection over union of the boxes; over the detection's own area where the annotation is a crowd. */
export function iou(detection: CocoAnnotation, truth: CocoAnnotation): number {
  const [dx, dy, dw, dh] = detection.bbox;
  const [gx, gy, gw, gh] = truth.bbox;
  const width = Math.min(dx + dw, gx + gw) - Math.max(dx, gx);
  const height = Math.min(dy + dh, gy + gh) - Math.max(dy, gy);
  if (width <= 0 || height <= 0) return 0;
  const intersection = width * height;
  const union = truth.iscrowd ? dw * dh : dw * dh + gw * gh - intersection;
  return intersection / union;
}
