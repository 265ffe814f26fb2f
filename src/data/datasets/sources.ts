/** @file Further annotation files that a run trains on, each with its own keypoints and its own weight (`dataset.sources`). */
import type {DatasetConfig, DatasetSource} from '../../config/schema.js';
import {type KeypointSet, loadKeypointSet} from '../keypoints.js';
import type {Person} from '../types.js';
import {keypointMap, mapKeypoints} from './keypointMap.js';
import {openAnnotations} from './openAnnotations.js';
import {annotatedPeople} from './people.js';
import type {Findings} from './rules.js';

export interface SourcePeople {
  /** The annotation file. */
  readonly file: string;
  /** With the keypoints of the target set. */
  readonly people: readonly Person[];
  readonly images: number;
  readonly weight: number;
  readonly findings: Findings;
}

/** The people of every further source, with the keypoints of `target`. @throws UserError as openDataset does */
export async function openSources(config: DatasetConfig, target: KeypointSet): Promise<SourcePeople[]> {
  const opened: SourcePeople[] = [];
  // One after the other: each may take much memory while it is read.
  for (const [i, source] of config.sources.entries())
    opened.push(await openSource(config, source, i, target));
  return opened;
}

async function openSource(
  {limit, onMissing, maxBadFraction}: DatasetConfig,
  source: DatasetSource,
  index: number,
  target: KeypointSet,
): Promise<SourcePeople> {
  const key = `dataset.sources.${index}`;
  const keypointSet = loadKeypointSet(source.keypoints);
  const indices = keypointMap(target, keypointSet, source.map, `${key}.map`);
  const place = {key, rootKey: `${key}.root`, toleratesMissing: true, headBoxes: null};
  const request = {...source, ...place, keypointSet, limit, onMissing, maxBadFraction};
  const {file, content, images, findings} = await openAnnotations(request);
  const people = annotatedPeople(content, images)
    .map((person) => ({...person, keypoints: mapKeypoints(person.keypoints, indices)}))
    .filter(({keypoints}) => keypoints.some((value, at) => at % 3 === 2 && value > 0));
  return {file, people, images: images.size, weight: source.weight, findings};
}
