/** @file One annotation file and its images, from the configuration to what is usable of them. */
import {existsSync} from 'node:fs';
import {resolve} from 'node:path';
import {UserError} from '../../errors.js';
import {archivePath} from '../images/imageBytes.js';
import type {KeypointSet} from '../keypoints.js';
import {readAnnotations} from './annotationCache.js';
import {requireFewBad} from './badFraction.js';
import type {AnnotationContent} from './content.js';
import {withHeadBoxes} from './headBoxes.js';
import {Findings} from './rules.js';
import {type StoredImage, splitImages} from './splitImages.js';

/** Where a set lies, and the configuration's keys that say so, for errors. */
export interface Location {
  /** All paths are relative to it. */
  readonly root: string;
  readonly rootKey: string;
  /** `dataset.train` */
  readonly key: string;
}

export interface AnnotationRequest extends Location {
  readonly annotations: string;
  readonly images: string;
  readonly type: string;
  readonly keypointSet: KeypointSet;
  readonly category: string | null;
  /** A file of head boxes, for MPII. */
  readonly headBoxes: string | null;
  readonly limit: number | null;
  readonly onMissing: 'error' | 'skip';
  readonly maxBadFraction: number;
  /** Whether a few images may be missing, as other records may be bad. */
  readonly toleratesMissing: boolean;
}

export interface OpenedAnnotations {
  /** The absolute path. */
  readonly file: string;
  readonly content: AnnotationContent;
  readonly images: ReadonlyMap<number, StoredImage>;
  readonly findings: Findings;
}

/** @throws UserError 'data' if a file is missing or of no use, or if too much of it is bad */
export async function openAnnotations(request: AnnotationRequest): Promise<OpenedAnnotations> {
  const file = locate(request, 'annotations', request.annotations);
  const {content: read} = await readAnnotations(request.type, file, request);
  const {headBoxes} = request;
  const content = headBoxes === null ? read : withHeadBoxes(read, locate(request, 'headBoxes', headBoxes));
  const findings = new Findings();
  findings.addAll(content.findings);
  const folder = locate(request, 'images', request.images);
  const images = await splitImages(content, {...request, folder}, findings);
  // Figures over fewer images than the split has are figures of another set.
  const tolerated = request.toleratesMissing ? request.maxBadFraction * content.images.length : 0;
  requireImages(file, folder, findings, tolerated);
  requireFewBad(file, findings, content.counts, request.maxBadFraction);
  return {file, content, images, findings};
}

/** The absolute path of a file or folder that the configuration names relative to a root. */
export function locate({root, rootKey, key}: Location, name: string, path: string): string {
  const file = resolve(root, path);
  if (existsSync(file) || (name === 'images' && archivePath(file))) return file;
  const place = existsSync(root)
    ? `${rootKey} is ${root}; data/README.md shows what should lie where`
    : `its folder ${rootKey}=${root} does not exist; set it to where the dataset is (data/README.md)`;
  throw new UserError('data', `${key}.${name}: ${file} does not exist; ${place}.`);
}

function requireImages(file: string, folder: string, findings: Findings, tolerated: number): void {
  const missing = findings.of('imageMissing');
  if (missing.length <= tolerated) return;
  throw new UserError(
    'data',
    `${file}: ${missing.length} of its images are listed but missing under ${folder} ` +
      `(first: ${missing[0].record}). Download them, or set dataset.onMissing=skip.`,
  );
}
