/**
 * @file Opens a split of the configured dataset: who is to be found on which image, by the rules of HRNet's datasets (Sun
 * et al. 2019, lib/dataset) where they say anything.
 */
import {existsSync} from 'node:fs';
import {resolve} from 'node:path';
import type {DatasetConfig} from '../../config/schema.js';
import {UserError} from '../../errors.js';
import {archivePath} from '../images/imageBytes.js';
import type {KeypointSet} from '../keypoints.js';
import type {Person} from '../types.js';
import {readAnnotations} from './annotationCache.js';
import {type Counts, requireFewBad} from './badFraction.js';
import type {AnnotationContent} from './content.js';
import {readDetections} from './detections.js';
import {annotatedPeople, detectedPeople, groundTruth} from './people.js';
import {Findings, RULES, ruleLine} from './rules.js';
import {type StoredImage, splitImages} from './splitImages.js';
import {rejections, type TopDownDataset} from './topDown.js';

export type Split = 'train' | 'val';

/**
 * Opens one split: annotated people, or (`val` only) the boxes of a detector.
 * @param options.useGroundTruthBoxes instead of the configuration's; training always uses annotated boxes
 * @throws UserError 'data' if a file is missing or is not what it should be, if more of it is bad than
 * `dataset.maxBadFraction` allows, or if nobody is left; 'usage' if the configuration contradicts itself
 */
export async function openDataset(
  config: DatasetConfig,
  split: Split,
  keypointSet: KeypointSet,
  options: {useGroundTruthBoxes?: boolean} = {},
): Promise<TopDownDataset> {
  const annotationFile = locate(config, split, 'annotations', config[split].annotations);
  const annotated = split === 'train' || (options.useGroundTruthBoxes ?? config.useGroundTruthBoxes);
  const {content} = await readAnnotations(config.type, annotationFile, {
    keypointSet,
    category: config.category,
  });
  const findings = new Findings();
  findings.addAll(content.findings);
  const folder = locate(config, split, 'images', config[split].images);
  const images = await splitImages(
    content,
    {folder, limit: config.limit, onMissing: config.onMissing},
    findings,
  );
  // Figures over fewer images than the split has are figures of another set.
  const tolerated = split === 'val' ? 0 : config.maxBadFraction * content.images.length;
  requireImages(annotationFile, folder, findings, tolerated);
  requireFewBad(annotationFile, findings, content.counts, config.maxBadFraction);
  const people = annotated
    ? annotatedPeople(content, images)
    : await detected(config, split, content, images, keypointSet, findings);
  if (people.length === 0) throw nobodyLeft(annotationFile, findings);
  return {
    people,
    imageIds: [...images.keys()],
    imageCount: images.size,
    annotationFile,
    keypointSet,
    type: config.type,
    category: content.category,
    summary: {images: images.size, people: people.length, rejected: rejections(findings)},
    ranges: [{name: annotationFile, start: 0, count: people.length, weight: 1}],
    findings,
    groundTruth: () => groundTruth(content, images),
  };
}

/** The absolute path of a file or folder that the configuration names relative to `dataset.root`. */
function locate(config: DatasetConfig, split: Split, key: string, path: string): string {
  const file = resolve(config.root, path);
  if (existsSync(file) || (key === 'images' && archivePath(file))) return file;
  const place = existsSync(config.root)
    ? `dataset.root is ${config.root}; data/README.md shows what should lie where`
    : `its folder dataset.root=${config.root} does not exist; set it to where the dataset is (data/README.md)`;
  throw new UserError('data', `dataset.${split}.${key}: ${file} does not exist; ${place}.`);
}

function requireImages(annotationFile: string, folder: string, findings: Findings, tolerated: number): void {
  const missing = findings.of('imageMissing');
  if (missing.length <= tolerated) return;
  throw new UserError(
    'data',
    `${annotationFile}: ${missing.length} of its images are listed but missing under ${folder} ` +
      `(first: ${missing[0].record}). Download them, or set dataset.onMissing=skip.`,
  );
}

async function detected(
  config: DatasetConfig,
  split: Split,
  content: AnnotationContent,
  images: ReadonlyMap<number, StoredImage>,
  keypointSet: KeypointSet,
  findings: Findings,
): Promise<Person[]> {
  const path = config[split].detections;
  if (path === null) {
    throw new UserError(
      'usage',
      `dataset.useGroundTruthBoxes is false, but dataset.${split}.detections names no file of detector boxes.`,
    );
  }
  const file = locate(config, split, 'detections', path);
  const {detections, count} = await readDetections(file, findings);
  requireFewBad(file, findings, {detections: count} satisfies Counts, config.maxBadFraction);
  const limits = {keypointCount: keypointSet.names.length, threshold: config.detectionScoreThreshold};
  return detectedPeople(detections, content, images, limits, findings);
}

function nobodyLeft(annotationFile: string, findings: Findings): UserError {
  const reasons = findings.entries().filter(([rule]) => RULES[rule].action === 'reject');
  const leftOut = reasons.map(([rule, found]) => ruleLine(rule, found)).join('; ');
  const why = leftOut === '' ? 'It lists none.' : `Left out: ${leftOut}.`;
  return new UserError('data', `${annotationFile}: no usable people are left. ${why}`);
}
