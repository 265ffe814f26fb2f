/** @file Which runs go on: the same configuration and data, but for what changes nothing in what is learnt. */
import {describe, expect, it} from 'vitest';
import {configSchema} from '../../src/config/schema.js';
import {contentDigest} from '../../src/data/datasets/contentDigest.js';
import type {Person} from '../../src/data/types.js';
import {UserError} from '../../src/errors.js';
import {checkSameRun, type RunIdentity} from '../../src/train/identity.js';
import {CONFIG} from './config.js';

type Tree = {[key: string]: unknown};

/** The configuration with some values replaced, by dotted keys. */
function identity(changes: Tree = {}, others: Partial<RunIdentity> = {}): RunIdentity {
  const config = structuredClone(CONFIG) as Tree;
  for (const [key, value] of Object.entries(changes)) {
    const path = key.split('.');
    const section = path.slice(0, -1).reduce((tree, name) => tree[name] as Tree, config);
    section[path.at(-1)!] = value;
  }
  return {
    config: config as RunIdentity['config'],
    data: {train: 'a'.repeat(64), val: 'b'.repeat(64)},
    machine: {engine: 'libtorch 1.13.0', threads: '1'},
    ...others,
  };
}

function check(now: RunIdentity, allowed: string[] = [], saved = identity()): string[] {
  return checkSameRun(saved, now, allowed, 'run/step-7');
}

describe('a run that goes on', () => {
  it.each<[string, unknown]>([
    ['name', 'other'],
    ['output', '/elsewhere'],
    ['loader.workers', 4],
    ['loader.prefetch', 7],
    ['train.epochs', 300],
    ['train.logEvery', 3],
    ['train.evaluateEvery', 5],
    ['train.checkpointEvery', '10 minutes'],
    ['train.keepCheckpoints', 9],
    ['eval.batchSize', 1],
    ['dataset.root', '/moved'],
    ['dataset.train.images', 'images.zip'],
    ['device', 'cpu'],
  ])('may have another %s', (key, value) => {
    expect(check(identity({[key]: value}))).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['seed', 4, 'seed: 0 → 4'],
    ['train.batchSize', 3, 'train.batchSize: 2 → 3'],
    ['train.optimizer.type', 'sgd', 'train.optimizer.type: "adam" → "sgd"'],
    ['train.optimizer.betas', [0.8, 0.999], 'train.optimizer.betas: [0.9,0.999] → [0.8,0.999]'],
    ['dataset.keypoints', 'mpii16', 'dataset.keypoints: "coco17" → "mpii16"'],
    ['dataset.augment.flip', 0, 'dataset.augment.flip: 0.5 → 0'],
    ['train.somethingNew', 1, 'train.somethingNew: (not set) → 1'],
  ])('may not have another %s, which is told as old → new, unless it is allowed', (key, value, line) => {
    const now = identity({[key]: value});
    expect(() => check(now)).toThrow(UserError);
    expect(() => check(now)).toThrow(`run/step-7: the run was begun with other settings`);
    expect(() => check(now)).toThrow(`\n  ${line}\n`);
    expect(() => check(now)).toThrow(`--allow-config-change ${key}`);
    expect(check(now, [key])).toEqual([]);
    expect(check(now, [key.split('.')[0]])).toEqual([]);
    expect(() => check(now, ['loader', `${key}x`])).toThrow(UserError);
  });

  it('may not have other data', () => {
    const now = identity({}, {data: {train: 'c'.repeat(64), val: 'b'.repeat(64)}});
    expect(() => check(now)).toThrow('\n  dataset.train: content aaaaaaaaaaaa → content cccccccccccc\n');
    expect(check(now, ['dataset.train'])).toEqual([]);
  });

  it('names everything that changed at once', () => {
    const now = identity({seed: 1, 'train.batchSize': 4});
    expect(() => check(now)).toThrow(
      /seed: .*\n.*batchSize: .*\n.*--allow-config-change seed,train\.batchSize$/,
    );
    expect(() => check(now, ['seed'])).toThrow(/--allow-config-change train\.batchSize$/);
  });

  it('takes what the schema has learnt since for its default', () => {
    const saved = identity();
    delete (saved.config.train as Tree).shuffle;
    expect(check(identity(), [], saved)).toEqual([]);
    expect(configSchema.parse(saved.config).train.shuffle).toBe(true);
  });

  it('is told what of the machine changed', () => {
    const now = identity({}, {machine: {engine: 'libtorch 2.5.0', threads: '1'}});
    expect(check(now)).toEqual(['engine "libtorch 1.13.0" → "libtorch 2.5.0"']);
  });
});

describe("the digest of a dataset's content", () => {
  const person = (changes: Partial<Person> = {}): Person => ({
    ...{imageId: 1, imageFile: '/data/images/1.jpg', annotationId: 1, box: [1, 2, 3, 4], score: 1},
    ...{keypoints: [1, 2, 2], ...changes},
  });
  const digest = (...people: Person[]) => contentDigest({people});

  it('is the same wherever the files lie', () => {
    expect(digest(person({imageFile: '/moved/1.jpg'}))).toBe(digest(person()));
  });

  it.each<[string, Partial<Person>]>([
    ['image', {imageFile: '/data/images/2.jpg'}],
    ['box', {box: [1, 2, 3, 5]}],
    ['keypoint', {keypoints: [1, 2.001, 2]}],
    ['score', {score: 0.5}],
  ])('differs with another %s', (_, changes) => {
    expect(digest(person(changes))).not.toBe(digest(person()));
  });

  it('differs with the order and the number of people', () => {
    const [a, b] = [person(), person({annotationId: 2})];
    expect(new Set([digest(a, b), digest(b, a), digest(a)]).size).toBe(3);
  });
});
