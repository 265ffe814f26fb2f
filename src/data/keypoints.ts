/** @file Keypoint sets: which keypoints a person has, from `configs/keypoints/<name>.yaml` or a file of the user's. */
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {basename, extname, join} from 'node:path';
import {load} from 'js-yaml';
import {z} from 'zod';
import {UserError} from '../errors.js';
import {PACKAGE_ROOT} from '../packagePaths.js';

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
}

const keypointName = z.string().min(1);

const keypointFile = z.strictObject({
  names: z.array(keypointName).min(1),
  sigmas: z.array(z.number().positive()),
  flipPairs: z.array(z.tuple([keypointName, keypointName])),
  skeleton: z.array(
    z.strictObject({
      from: keypointName,
      to: keypointName,
      colour: z.string().regex(/^#[0-9a-f]{6}$/i, 'expected a colour such as "#1f77b4"'),
    }),
  ),
  upperBody: z.array(keypointName),
  lowerBody: z.array(keypointName),
});

type KeypointFile = z.infer<typeof keypointFile>;

const SETS_FOLDER = join(PACKAGE_ROOT, 'configs', 'keypoints');

/**
 * @param nameOrFile a set of the package (`coco17`), or the path of a YAML file
 * @throws UserError if there is no such set, or if the file contradicts itself
 */
export function loadKeypointSet(nameOrFile: string): KeypointSet {
  const file = findFile(nameOrFile);
  const content = parse(file);
  const resolve = resolver(file, content.names);
  requireOneSigmaEach(file, content);
  const set: KeypointSet = {
    name: basename(file, extname(file)),
    names: content.names,
    sigmas: content.sigmas,
    flipPairs: content.flipPairs.map(([a, b]) => resolve.pair('flipPairs', a, b)),
    skeleton: content.skeleton.map(({from, to, colour}) => ({
      ends: resolve.pair('skeleton', from, to),
      colour,
    })),
    upperBody: content.upperBody.map((name) => resolve.one('upperBody', name)),
    lowerBody: content.lowerBody.map((name) => resolve.one('lowerBody', name)),
  };
  requireUsedOnce(file, set, 'flipPairs', set.flipPairs.flat());
  requireUsedOnce(file, set, 'upperBody and lowerBody', [...set.upperBody, ...set.lowerBody]);
  return set;
}

function findFile(nameOrFile: string): string {
  const own = join(SETS_FOLDER, `${nameOrFile}.yaml`);
  if (/^[\w-]+$/.test(nameOrFile) && existsSync(own)) return own;
  if (existsSync(nameOrFile)) return nameOrFile;
  const known = readdirSync(SETS_FOLDER).filter((file) => file.endsWith('.yaml'));
  throw new UserError(
    'usage',
    `dataset.keypoints: there is no keypoint set "${nameOrFile}". Name one of ${SETS_FOLDER} ` +
      `(${known.map((file) => basename(file, '.yaml')).join(', ')}), or the path of a YAML file made like them.`,
  );
}

function parse(file: string): KeypointFile {
  let content: unknown;
  try {
    content = load(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UserError('usage', `${file}: cannot be read as YAML: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const result = keypointFile.safeParse(content);
  if (result.success) return result.data;
  const {path, message} = result.error.issues[0];
  throw new UserError('usage', `${file}: ${path.join('.') || 'the file'}: ${message}`);
}

/** Turns names into indices; what is not among `names` is an error that says where. */
function resolver(file: string, names: readonly string[]) {
  const indices = new Map(names.map((name, i) => [name, i]));
  if (indices.size < names.length) {
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    throw new UserError('usage', `${file}: names: "${twice}" is listed twice.`);
  }
  const one = (key: string, name: string): number => {
    const index = indices.get(name);
    if (index === undefined)
      throw new UserError('usage', `${file}: ${key}: "${name}" is not one of its names.`);
    return index;
  };
  const pair = (key: string, a: string, b: string): [number, number] => {
    if (a === b) throw new UserError('usage', `${file}: ${key}: [${a}, ${b}] joins a keypoint to itself.`);
    return [one(`${key}: [${a}, ${b}]`, a), one(`${key}: [${a}, ${b}]`, b)];
  };
  return {one, pair};
}

function requireOneSigmaEach(file: string, {names, sigmas}: KeypointFile): void {
  if (sigmas.length === names.length) return;
  throw new UserError(
    'usage',
    `${file}: sigmas has ${sigmas.length} numbers for ${names.length} names; give one for each keypoint.`,
  );
}

function requireUsedOnce(file: string, set: KeypointSet, key: string, indices: readonly number[]): void {
  const twice = indices.find((index, i) => indices.indexOf(index) !== i);
  if (twice === undefined) return;
  throw new UserError('usage', `${file}: ${key}: "${set.names[twice]}" is used twice.`);
}
