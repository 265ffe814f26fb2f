/**
 * @file Opens a split of the configured dataset: who is to be found on which image, by the rules of HRNet's datasets (Sun
 * et al. 2019, lib/dataset) where they say anything.
 */
import type {DatasetConfig} from '../../config/schema.js';
import {UserError} from '../../errors.js';
import type {KeypointSet} from '../keypoints.js';
import type {Person} from '../types.js';
import {requireFewBad} from './badFraction.js';
import {readDetections} from './detections.js';
import {type AnnotationRequest, locate, type OpenedAnnotations, openAnnotations} from './openAnnotations.js';
import {annotatedPeople, detectedPeople, groundTruth} from './people.js';
import {Findings, RULES, ruleLine} from './rules.js';
import {openSources, type SourcePeople} from './sources.js';
import {rejections, type SourceRange, type TopDownDataset} from './topDown.js';

export type Split = 'train' | 'val';

/**
 * Opens one split: annotated people, for `train` those of `dataset.sources` too; or (`val` only) the boxes of a detector.
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
  const request = requestOf(config, split, keypointSet);
  const opened = await openAnnotations(request);
  const annotated = split === 'train' || (options.useGroundTruthBoxes ?? config.useGroundTruthBoxes);
  const own = annotated
    ? annotatedPeople(opened.content, opened.images)
    : await detected(config, split, request, opened);
  const sources = split === 'train' ? await openSources(config, keypointSet) : [];
  const {file: annotationFile, content, images} = opened;
  // Everybody is evaluated once.
  const weight = split === 'train' ? config.weight : 1;
  const people = [...own, ...sources.flatMap((source) => source.people)];
  const findings = allFindings(opened.findings, sources);
  if (people.length === 0) throw nobodyLeft(annotationFile, findings);
  const imageCount = sources.reduce((sum, source) => sum + source.images, images.size);
  return {
    people,
    imageIds: [...images.keys()],
    imageCount,
    annotationFile,
    keypointSet,
    type: config.type,
    category: content.category,
    summary: {images: imageCount, people: people.length, rejected: rejections(findings)},
    ranges: rangesOf([{file: annotationFile, people: own, weight}, ...sources]),
    findings,
    groundTruth: () => groundTruth(content, images),
  };
}

function requestOf(config: DatasetConfig, split: Split, keypointSet: KeypointSet): AnnotationRequest {
  const {root, type, category, limit, onMissing, maxBadFraction} = config;
  const {annotations, images, headBoxes} = config[split];
  return {
    ...{root, rootKey: 'dataset.root', key: `dataset.${split}`, annotations, images, headBoxes},
    ...{type, keypointSet, category, limit, onMissing, maxBadFraction, toleratesMissing: split === 'train'},
  };
}

async function detected(
  config: DatasetConfig,
  split: Split,
  request: AnnotationRequest,
  {content, images, findings}: OpenedAnnotations,
): Promise<Person[]> {
  const path = config[split].detections;
  if (path === null) {
    throw new UserError(
      'usage',
      `dataset.useGroundTruthBoxes is false, but dataset.${split}.detections names no file of detector boxes.`,
    );
  }
  const file = locate(request, 'detections', path);
  const {detections, count} = await readDetections(file, findings);
  requireFewBad(file, findings, {detections: count}, config.maxBadFraction);
  const limits = {keypointCount: request.keypointSet.names.length, threshold: config.detectionScoreThreshold};
  return detectedPeople(detections, content, images, limits, findings);
}

/** Records of further sources are named with their file. */
function allFindings(own: Findings, sources: readonly SourcePeople[]): Findings {
  const all = new Findings();
  all.addAll(own);
  for (const {file, findings} of sources) all.addAll(findings, `${file}: `);
  return all;
}

function rangesOf(sources: readonly Pick<SourcePeople, 'file' | 'people' | 'weight'>[]): SourceRange[] {
  let start = 0;
  return sources.map(({file, people, weight}) => {
    const range = {name: file, start, count: people.length, weight};
    start += people.length;
    return range;
  });
}

function nobodyLeft(annotationFile: string, findings: Findings): UserError {
  const reasons = findings.entries().filter(([rule]) => RULES[rule].action === 'reject');
  const leftOut = reasons.map(([rule, found]) => ruleLine(rule, found)).join('; ');
  const why = leftOut === '' ? 'It lists none.' : `Left out: ${leftOut}.`;
  return new UserError('data', `${annotationFile}: no usable people are left. ${why}`);
}
