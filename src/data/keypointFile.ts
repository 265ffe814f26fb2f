/** @file The file of a keypoint set: its schema, and the contradictions that a schema cannot see. */
import {z} from 'zod';
import {nearestName, unknownKey} from '../config/keys.js';
import {describeIssue} from '../config/problems.js';
import {nearestAbove, readYaml, type YamlFile} from '../config/yaml.js';
import {UserError} from '../errors.js';

const keypointName = z.string('expected the name of a keypoint, not its number').min(1);
const keypointNames = z.array(keypointName);
const COLOUR = 'expected a colour such as "#1f77b4", in quotes';
const bone = z.strictObject({
  from: keypointName,
  to: keypointName,
  colour: z.string(COLOUR).regex(/^#[0-9a-f]{6}$/i, COLOUR),
});

const keypointFile = z.strictObject({
  names: keypointNames.min(1),
  sigmas: z.array(z.number().positive()),
  flipPairs: z.array(z.tuple([keypointName, keypointName])),
  skeleton: z.array(bone),
  upperBody: keypointNames,
  lowerBody: keypointNames,
  parts: z.record(z.string().min(1), keypointNames.min(1)).default({}),
});

const KEYS = [
  ...Object.keys(keypointFile.shape),
  ...Object.keys(bone.shape).map((key) => `skeleton.${key}`),
] as const;

/** One file, checked by its schema. What it throws names the file, the line, the key and what is wrong with it. */
export class KeypointFile {
  readonly content: z.infer<typeof keypointFile>;
  readonly #file: string;
  readonly #lines: YamlFile['lines'];
  readonly #indices: ReadonlyMap<string, number>;

  /** @throws UserError (usage) if the file is not YAML, or is not made like the package's own */
  constructor(file: string) {
    const {content, lines} = readYaml(file);
    this.#file = file;
    this.#lines = lines;
    const result = keypointFile.safeParse(content);
    if (!result.success) {
      // A bone's number is no part of the keys that there are.
      const tellUnknown = (key: string) => unknownKey(key.replace(/\.\d+\./, '.'), KEYS);
      const problems = result.error.issues.flatMap((issue) =>
        describeIssue(issue, content, (path) => this.#where(path), tellUnknown),
      );
      throw new UserError('usage', problems.join('\n'));
    }
    this.content = result.data;
    this.#indices = new Map(this.content.names.map((name, i) => [name, i]));
    this.#requireOnce('names', this.content.names);
  }

  #where(path: string): string {
    return `${this.#file}:${nearestAbove(this.#lines, path) ?? 1}`;
  }

  /** @param path where the problem is, as `flipPairs.3` */
  #problem(path: string, message: string): UserError {
    const [key] = path.split('.');
    return new UserError('usage', `${this.#where(path)}: ${key}: ${message}`);
  }

  /** The number of a keypoint that stands at a path of the file. */
  indexOf(path: string, name: string, pair = ''): number {
    const index = this.#indices.get(name);
    if (index !== undefined) return index;
    const nearest = nearestName(name, this.content.names);
    const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
    throw this.#problem(path, `${pair}"${name}" is not among the file's names.${hint}`);
  }

  /** The numbers of two different keypoints that stand at a path of the file. */
  pairOf(path: string, a: string, b: string): [number, number] {
    if (a === b) throw this.#problem(path, `[${a}, ${b}] joins a keypoint to itself.`);
    return [this.indexOf(path, a, `[${a}, ${b}]: `), this.indexOf(path, b, `[${a}, ${b}]: `)];
  }

  /** @throws UserError if lists contradict each other, or if mirroring would not change every left with its right */
  requireConsistent(): void {
    const {names, sigmas, upperBody, lowerBody, parts} = this.content;
    if (sigmas.length !== names.length) {
      const counts = `there are ${sigmas.length} for ${names.length} names`;
      throw this.#problem('sigmas', `${counts}; give one for each keypoint, in the order of the names.`);
    }
    this.#requireDisjointPairs();
    this.#requireSidesPaired();
    this.#requireOnce('upperBody', upperBody);
    this.#requireOnce('lowerBody', lowerBody);
    const i = lowerBody.findIndex((name) => upperBody.includes(name));
    if (i >= 0) throw this.#problem(`lowerBody.${i}`, `"${lowerBody[i]}" is in upperBody as well.`);
    for (const [part, list] of Object.entries(parts)) this.#requireOnce(`parts.${part}`, list);
  }

  #requireOnce(path: string, list: readonly string[]): void {
    const i = list.findIndex((name, at) => list.indexOf(name) !== at);
    if (i >= 0) throw this.#problem(`${path}.${i}`, `"${list[i]}" is listed twice.`);
  }

  #requireDisjointPairs(): void {
    const {flipPairs} = this.content;
    flipPairs.forEach(([a, b], i) => {
      const before = flipPairs.slice(0, i).find((pair) => pair.includes(a) || pair.includes(b));
      if (!before) return;
      const twice = before.includes(a) ? a : b;
      const message = `[${a}, ${b}]: "${twice}" is paired already, by [${before.join(', ')}]; one pair is enough for both ways.`;
      throw this.#problem(`flipPairs.${i}`, message);
    });
  }

  /** A left keypoint whose right namesake is in the set must change places with it. */
  #requireSidesPaired(): void {
    const {names, flipPairs} = this.content;
    for (const left of names) {
      const right = left.replace(/left/i, (side) => (side[0] === 'L' ? 'Right' : 'right'));
      if (right === left || !this.#indices.has(right)) continue;
      const i = flipPairs.findIndex((pair) => pair.includes(left) || pair.includes(right));
      if (i < 0) throw this.#problem('flipPairs', `[${left}, ${right}] is missing.`);
      const pair = flipPairs[i];
      if (pair.includes(left) && pair.includes(right)) continue;
      throw this.#problem(`flipPairs.${i}`, `[${pair.join(', ')}]: expected [${left}, ${right}].`);
    }
  }
}
