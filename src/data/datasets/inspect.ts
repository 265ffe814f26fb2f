/** @file Runs every rule over one annotation file and its images, and tells all that was found (`data-report.json`). */
import {resolve} from 'node:path';
import type {KeypointSet} from '../keypoints.js';
import {readAnnotations} from './annotationCache.js';
import {badFraction, type Counts} from './badFraction.js';
import {checkImages} from './checkImages.js';
import type {AnnotationContent} from './content.js';
import {readDetections} from './detections.js';
import {withHeadBoxes} from './headBoxes.js';
import {type Action, type Finding, Findings, RULES, type RuleName} from './rules.js';
import {type StoredImage, splitImages} from './splitImages.js';

/** What to look at. */
export interface InspectionTarget {
  readonly type: string;
  readonly annotations: string;
  /** The folder of images, or an archive; null: nobody looks at them. */
  readonly images: string | null;
  /** Detector boxes to look at as well. */
  readonly detections: string | null;
  /** A file of head boxes, for MPII. */
  readonly headBoxes: string | null;
  readonly keypointSet: KeypointSet;
  readonly category: string | null;
  readonly limit: number | null;
  readonly onMissing: 'error' | 'skip';
}

export interface InspectionOptions {
  /** Decode every image too. */
  readonly decodeImages: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

/** All that was found, as `data-report.json` has it. */
export interface DataReport {
  readonly annotations: string;
  readonly images: string | null;
  readonly type: string;
  readonly keypoints: string;
  /** Records of the file, bad ones included. */
  readonly counts: Counts;
  /** Who can be trained on. */
  readonly people: number;
  /** The share of bad records, of images, annotations or detections, whichever is largest. */
  readonly badFraction: number;
  readonly rules: readonly RuleReport[];
}

export interface RuleReport {
  readonly rule: RuleName;
  readonly text: string;
  readonly action: Action;
  readonly bad: boolean;
  readonly count: number;
  readonly records: readonly Finding[];
}

/** @throws UserError 'data' if a file is of no use at all */
export async function inspect(target: InspectionTarget, options: InspectionOptions): Promise<DataReport> {
  const {content: read} = await readAnnotations(target.type, target.annotations, target);
  const content = target.headBoxes === null ? read : withHeadBoxes(read, target.headBoxes);
  const findings = new Findings();
  findings.addAll(content.findings);
  const images = await imagesOf(target, content, findings);
  if (images && options.decodeImages) await checkImages([...images.values()], findings, options.onProgress);
  const detections = target.detections === null ? null : await readDetections(target.detections, findings);
  const counts = {...content.counts, ...(detections && {detections: detections.count})};
  return {
    annotations: target.annotations,
    images: target.images,
    type: target.type,
    keypoints: target.keypointSet.name,
    counts,
    people: content.people.filter(({crop, imageId}) => crop && (images?.has(imageId) ?? true)).length,
    badFraction: badFraction(findings, counts),
    rules: ruleReports(findings),
  };
}

async function imagesOf(
  {images, limit, onMissing}: InspectionTarget,
  content: AnnotationContent,
  findings: Findings,
): Promise<Map<number, StoredImage> | null> {
  return images === null ? null : splitImages(content, {folder: resolve(images), limit, onMissing}, findings);
}

export function ruleReports(findings: Findings): RuleReport[] {
  return findings.entries().map(([rule, records]) => {
    const {text, action, isBad: bad} = RULES[rule];
    return {rule, text, action, bad, count: records.length, records};
  });
}
