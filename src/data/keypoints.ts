/** @file Keypoint sets: which keypoints a person has, from `configs/keypoints/<name>.yaml` or a file of the user's. */
import {existsSync, readdirSync} from 'node:fs';
import {basename, extname, join} from 'node:path';
import {UserError} from '../errors.js';
import {PACKAGE_ROOT} from '../packagePaths.js';
import {KeypointFile} from './keypointFile.js';

/** A line to draw between two keypoints, given by their indices; `colour` as #rrggbb. */
export interface Bone {
  readonly ends: readonly [number, number];
  readonly colour: string;
}

/** The keypoints of one kind of person; everything that refers to a keypoint is its index in `names`. */
export interface KeypointSet {
  readonly name: string;
  readonly names: readonly string[];
  /** Keypoints that change places when the image is mirrored. */
  readonly flipPairs: readonly (readonly [number, number])[];
  /** COCO's falloff of each keypoint, for OKS. */
  readonly sigmas: readonly number[];
  readonly skeleton: readonly Bone[];
  readonly upperBody: readonly number[];
  readonly lowerBody: readonly number[];
  /** Groups that are evaluated and drawn together, by their names; they may overlap, and need not cover the set. */
  readonly parts: Readonly<Record<string, readonly number[]>>;
}

const SETS_FOLDER = join(PACKAGE_ROOT, 'configs', 'keypoints');

/** The names of the sets that come with the package. */
export function keypointSetNames(): string[] {
  const files = readdirSync(SETS_FOLDER).filter((file) => file.endsWith('.yaml'));
  return files.map((file) => basename(file, '.yaml')).sort();
}

/**
 * @param nameOrFile a set of the package (`coco17`), or the path of a YAML file
 * @throws UserError (usage) if there is no such set, or if the file contradicts itself: with file, line, key and the
 * pair or name that offends
 */
export function loadKeypointSet(nameOrFile: string): KeypointSet {
  const path = findFile(nameOrFile);
  const file = new KeypointFile(path);
  const {names, sigmas, flipPairs, skeleton, upperBody, lowerBody, parts} = file.content;
  const indices = (key: string, list: readonly string[]) =>
    list.map((name, i) => file.indexOf(`${key}.${i}`, name));
  const set: KeypointSet = {
    name: basename(path, extname(path)),
    names,
    sigmas,
    flipPairs: flipPairs.map(([a, b], i) => file.pairOf(`flipPairs.${i}`, a, b)),
    skeleton: skeleton.map(({from, to, colour}, i) => ({
      ends: file.pairOf(`skeleton.${i}`, from, to),
      colour,
    })),
    upperBody: indices('upperBody', upperBody),
    lowerBody: indices('lowerBody', lowerBody),
    parts: Object.fromEntries(
      Object.entries(parts).map(([part, list]) => [part, indices(`parts.${part}`, list)]),
    ),
  };
  file.requireConsistent();
  return set;
}

function findFile(nameOrFile: string): string {
  const own = join(SETS_FOLDER, `${nameOrFile}.yaml`);
  if (/^[\w-]+$/.test(nameOrFile) && existsSync(own)) return own;
  if (existsSync(nameOrFile)) return nameOrFile;
  throw new UserError(
    'usage',
    `dataset.keypoints: there is no keypoint set "${nameOrFile}". Name one of ${SETS_FOLDER} ` +
      `(${keypointSetNames().join(', ')}), or the path of a YAML file made like them.`,
  );
}
