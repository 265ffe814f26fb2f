/** @file The loader: the same batches whatever the threads, resuming, augmentation by epoch, errors from threads. */
import {createHash} from 'node:crypto';
import {existsSync} from 'node:fs';
import {copyFile, readFile, truncate, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {targetArrays} from '../../../src/codecs/codec.js';
import {configSchema} from '../../../src/config/schema.js';
import {openDataset} from '../../../src/data/datasets/index.js';
import type {TopDownDataset} from '../../../src/data/datasets/topDown.js';
import {weightedOrder} from '../../../src/data/datasets/weightedOrder.js';
import {loadKeypointSet} from '../../../src/data/keypoints.js';
import {batchCount} from '../../../src/data/loader/batchCount.js';
import {BatchLoader, type LoaderOptions} from '../../../src/data/loader/loader.js';
import {OFF_TARGET_NUMBERS} from '../../../src/data/offTarget.js';
import type {Batch, ReplacedSample} from '../../../src/data/types.js';
import {UserError} from '../../../src/errors.js';
import {annotation, CocoFolder, content} from '../cocoFolder.js';

const coco17 = loadKeypointSet('coco17');

const CODEC = {type: 'msra', input: [64, 48], stride: 4, sigma: 2, keypoints: 17} as const;

/** What a configuration says without a word of it. */
function augmentation() {
  const split = {annotations: 'a', images: 'b'};
  return configSchema.shape.dataset.parse({root: '.', train: split, val: split}).augment;
}

/** A training loader with small samples; `workers: 0` unless told otherwise. */
function open(dataset: TopDownDataset, changes: Partial<LoaderOptions> = {}): BatchLoader {
  const input = changes.input ?? ([64, 48] as const);
  const sample = {
    input,
    codec: {...CODEC, input},
    boxPadding: 1.25,
    augment: augmentation(),
    seed: 7,
  };
  return new BatchLoader({
    dataset,
    ...sample,
    batchSize: 3,
    shuffle: true,
    workers: 0,
    prefetch: 2,
    timeoutSeconds: 60,
    maxBadFraction: null,
    ...changes,
  });
}

/** A digest of everything in a batch. */
function digest({images, targets, targetWeights, samples}: Batch): string {
  const hash = createHash('sha256');
  for (const array of [images, targets, targetWeights]) hash.update(array);
  return hash.update(JSON.stringify(samples)).digest('hex');
}

async function digests(loader: BatchLoader, epoch: number, startBatch = 0): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of loader.batches(epoch, startBatch)) found.push(digest(batch));
  return found;
}

describe('order', () => {
  it('is a permutation that depends on seed and epoch, or the plain order', () => {
    const everybody = [{name: 'a', start: 0, count: 50, weight: 1}];
    const order = (seed: number, epoch: number) => weightedOrder(everybody, seed, epoch, true);
    const sorted = Array.from({length: 50}, (_, i) => i);
    expect(Array.from(order(1, 0)).sort((x, y) => x - y)).toEqual(sorted);
    expect(order(1, 0)).toEqual(order(1, 0));
    expect(order(1, 0)).not.toEqual(order(1, 1));
    expect(order(1, 0)).not.toEqual(order(2, 0));
    expect(Array.from(weightedOrder(everybody, 1, 3, false))).toEqual(sorted);
  });

  it.each([
    [10, 3, true, 3],
    [10, 3, false, 4],
    [9, 3, true, 3],
    [2, 3, true, 1],
    [2, 3, false, 1],
  ])('has for %i samples in batches of %i (training: %s) %i batches', (samples, size, training, expected) => {
    expect(batchCount(samples, size, training)).toBe(expected);
  });
});

describe('BatchLoader', () => {
  let folder: CocoFolder;
  let dataset: TopDownDataset;
  beforeAll(async () => {
    folder = await CocoFolder.create();
    const people = Array.from({length: 10}, (_, i) =>
      annotation(i + 1, 1 + (i % 2), {bbox: [2 * i, i, 30, 30]}),
    );
    await folder.write('annotations.json', {...content(), annotations: people});
    dataset = await openDataset(folder.config(), 'train', coco17);
  });
  afterAll(() => folder.remove());

  it.each([
    [1, 1],
    [2, 5],
    [4, 3],
  ])(
    'gives with %i threads and %i batches ahead bit for bit what it gives without',
    async (workers, prefetch) => {
      const threaded = open(dataset, {workers, prefetch});
      const expected = await digests(open(dataset), 2);
      expect(expected).toHaveLength(3);
      expect(await digests(threaded, 2)).toEqual(expected);
      expect(await digests(threaded, 2)).toEqual(expected);
      await threaded.close();
    },
  );

  it('gives other batches in other epochs and with other seeds', async () => {
    const seen = [
      await digests(open(dataset), 0),
      await digests(open(dataset), 1),
      await digests(open(dataset, {seed: 8}), 0),
    ];
    expect(new Set(seen.flat()).size).toBe(9);
  });

  it('augments otherwise from an epoch on, if told so, in threads too', async () => {
    const final = {fromEpoch: 2, augment: {...augmentation(), flip: 0, rotation: 0, scale: 0}};
    const other = {augment: final.augment};
    for (const workers of [0, 1]) {
      const loader = open(dataset, {finalAugment: final, workers});
      expect(await digests(loader, 1)).toEqual(await digests(open(dataset), 1));
      for (const epoch of [2, 3])
        expect(await digests(loader, epoch)).toEqual(await digests(open(dataset, other), epoch));
      expect(await digests(loader, 2)).not.toEqual(await digests(open(dataset), 2));
      await loader.close();
    }
  });

  it.each([0, 2])('resumes within an epoch with %i threads', async (workers) => {
    const loader = open(dataset, {workers});
    const whole = await digests(loader, 4);
    expect(await digests(loader, 4, 1)).toEqual(whole.slice(1));
    expect(await digests(loader, 4, 3)).toEqual([]);
    await loader.close();
  });

  it('can be left in the middle of an epoch', async () => {
    const loader = open(dataset, {workers: 1, prefetch: 3});
    for await (const batch of loader.batches(0)) {
      expect(batch.samples).toHaveLength(3);
      break;
    }
    expect(await digests(loader, 1)).toEqual(await digests(open(dataset), 1));
    await loader.close();
  });

  it('visits everyone once and in order for evaluation, as they are', async () => {
    const loader = open(dataset, {augment: null, shuffle: false});
    const samples: Batch['samples'][number][] = [];
    for await (const batch of loader.batches(5)) samples.push(...batch.samples);
    expect(loader.batchesPerEpoch).toBe(4);
    expect(samples.map(({index}) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(samples.every(({flipped, region}) => !flipped && region.rotation === 0)).toBe(true);
    // HRNet's box of the first person, 29 x 29 after cleaning, at 3:4 and padded by a quarter.
    expect(samples[0].region).toEqual({center: [14.5, 14.5], size: [36.25, (29 / 0.75) * 1.25], rotation: 0});
  });

  it('fills arrays of the stated shapes, each sample in its place', async () => {
    const loader = open(dataset, {augment: null, shuffle: false});
    expect(loader.codec.targets[0].shape).toEqual([16, 12, 17]);
    const {value: batch} = await loader.batches(0).next();
    if (!batch) throw new Error('there is a first batch');
    expect([batch.images.length, batch.targets.length, batch.targetWeights.length]).toEqual([
      3 * 64 * 48 * 3,
      3 * 16 * 12 * 17,
      3 * 17,
    ]);
    // People are grouped by image; the first three are on image one, all of one colour.
    for (const sample of [0, 1, 2]) {
      const centre = sample * 64 * 48 * 3 + (32 * 48 + 24) * 3;
      const expected = [(40 / 255 - 0.485) / 0.229, (90 / 255 - 0.456) / 0.224, (160 / 255 - 0.406) / 0.225];
      expected.forEach((value, i) => {
        expect(batch.images[centre + i]).toBeCloseTo(value, 5);
      });
    }
    // Keypoint 0 of person 1 at (20, 10) in the image.
    const scale = 48 / 36.25;
    const [x, y] = [(20 - 14.5) * scale + 24, (10 - 14.5) * scale + 32].map((v) => Math.round(v / 4));
    expect(batch.targets[(y * 12 + x) * 17]).toBe(1);
    expect(batch.targetWeights[0]).toBe(1);
  });

  it('cuts out and encodes as the codec asks: in UDP’s convention corners are centres of corner pixels', async () => {
    const input = [64, 48] as const;
    const codec = {type: 'udp', input, stride: 4, sigma: 2, keypoints: 17} as const;
    const loader = open(dataset, {augment: null, shuffle: false, codec});
    const {value: batch} = await loader.batches(0).next();
    if (!batch) throw new Error('there is a first batch');
    const {coordinates} = loader.codec.decode([batch.targets], batch.samples.length);
    // Keypoint 0 of person 1 at (20, 10) in the image; the region's width is 36.25, its centre (14.5, 14.5).
    const expected = [((20 - 14.5) * 47) / 36.25 + 23.5, ((10 - 14.5) * 63) / (36.25 / 0.75) + 31.5];
    expected.forEach((value, i) => {
      expect(coordinates[i]).toBeCloseTo(value, 1);
    });
  });

  it('makes two arrays of targets for SimCC, one after the other', async () => {
    const input = [64, 48] as const;
    const geometry = {splitRatio: 2, sigma: [2.45, 2.83], normalize: false} as const;
    const loader = open(dataset, {
      ...{augment: null, shuffle: false},
      codec: {type: 'simcc', input, ...geometry, keypoints: 17},
    });
    const {value: batch} = await loader.batches(0).next();
    if (!batch) throw new Error('there is a first batch');
    const targets = targetArrays(loader.codec, batch.targets, 3);
    expect(targets.map(({length}) => length)).toEqual([3 * 17 * 96, 3 * 17 * 128]);
    const {coordinates} = loader.codec.decode(targets, 3);
    const scale = 48 / 36.25;
    expect(Math.abs(coordinates[0] - ((20 - 14.5) * scale + 24))).toBeLessThanOrEqual(0.25);
    expect(Math.abs(coordinates[1] - ((10 - 14.5) * scale + 32))).toBeLessThanOrEqual(0.25);
  });

  it('draws places that are not the person’s where they are asked for, bit for bit with any number of threads', async () => {
    const codec = {...CODEC, centre: true};
    const offTargets = {neighbour: 0.5, distance: 8};
    const collect = async (changes: Partial<LoaderOptions>, epoch: number) => {
      const loader = open(dataset, {codec, offTargets, ...changes});
      const rows: number[][] = [];
      for await (const batch of loader.batches(epoch)) {
        const {length} = batch.samples;
        expect(batch.targetWeights).toHaveLength(length * 18);
        const numbers = [...batch.offTargets!];
        for (let i = 0; i < length; i++)
          rows.push(numbers.slice(i * OFF_TARGET_NUMBERS, (i + 1) * OFF_TARGET_NUMBERS));
      }
      await loader.close();
      return rows;
    };
    const alone = await collect({}, 2);
    expect(await collect({workers: 2, prefetch: 3}, 2)).toEqual(alone);
    expect(await collect({}, 3)).not.toEqual(alone);
    for (const [, , x, y, isPlace] of alone) {
      expect([0, 1]).toContain(isPlace);
      expect(x >= 0 && y >= 0 && x < 12 && y < 16).toBe(true);
    }
    // Everybody has the same keypoints, so that all of a neighbour's lie on the person's own: their mean is the centre.
    const plain = await collect(
      {augment: null, shuffle: false, offTargets: {...offTargets, neighbour: 1}},
      0,
    );
    const [centreX, centreY] = plain[0];
    // Mean (28, 26); the region of the first person is 36.25 wide about (14.5, 14.5); a cell is four pixels.
    const scale = 48 / 36.25;
    expect(centreX).toBeCloseTo(((28 - 14.5) * scale + 24) / 4, 5);
    expect(centreY).toBeCloseTo(((26 - 14.5) * scale + 32) / 4, 5);
    // Keypoint k is at (20 + k, 10 + 2k): whatever is drawn lies on that line, as the network sees it.
    for (const [, , x, y] of plain.slice(0, 1)) {
      const [inImageX, inImageY] = [(4 * x - 24) / scale + 14.5, (4 * y - 32) / scale + 14.5];
      expect(inImageY - 10).toBeCloseTo(2 * (inImageX - 20), 4);
    }
  });

  it('counts the time for which it keeps the consumer waiting', async () => {
    const loader = open(dataset);
    expect(loader.waitedMs).toBe(0);
    await digests(loader, 0);
    expect(loader.waitedMs).toBeGreaterThan(0);
  });

  it('refuses an input that is no multiple of the stride', () => {
    expect(() => open(dataset, {input: [62, 48]})).toThrow(/model\.input: 62x48 is not a multiple/);
  });
});

describe('a broken image', () => {
  it.each([0, 1])('reaches the consumer as a data error in its turn, with %i threads', async (workers) => {
    const folder = await CocoFolder.create();
    const dataset = await openDataset(folder.config(), 'train', coco17);
    await truncate(join(folder.root, 'images', 'two.png'), 60);
    const loader = open(dataset, {workers, batchSize: 1, augment: null, shuffle: false});
    const batches = loader.batches(0);
    expect((await batches.next()).value?.samples).toHaveLength(1);
    const error = await batches.next().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({kind: 'data', exitCode: 3});
    expect((error as UserError).message).toContain(join(folder.root, 'images', 'two.png'));
    await loader.close();
    await folder.remove();
  });
});

describe('samples that cannot be used', () => {
  let folder: CocoFolder;
  let dataset: TopDownDataset;
  const BAD = 7;
  beforeAll(async () => {
    folder = await CocoFolder.create();
    const {images, ...rest} = content();
    // Only one of 40 people is on the image that will break.
    const annotations = Array.from({length: 40}, (_, i) =>
      annotation(i + 1, 1, {bbox: [i % 20, i % 7, 30, 30]}),
    );
    annotations[BAD] = annotation(99, 2);
    await folder.write('annotations.json', {...rest, images, annotations});
    dataset = await openDataset(folder.config(), 'train', coco17);
    await truncate(join(folder.root, 'images', 'two.png'), 60);
  });
  afterAll(() => folder.remove());

  /** The people grouped by image: the bad one comes last. */
  const bad = 39;

  async function gather(loader: BatchLoader, epoch: number, startBatch = 0) {
    const seen = {digests: [] as string[], indices: [] as number[], replaced: [] as ReplacedSample[]};
    for await (const batch of loader.batches(epoch, startBatch)) {
      seen.digests.push(digest(batch));
      seen.indices.push(...batch.samples.map(({index}) => index));
      seen.replaced.push(...batch.replaced);
    }
    return seen;
  }

  it('are replaced by another, the same one with any threads and after an interruption', async () => {
    const settings = {batchSize: 4, maxBadFraction: 0.05};
    const plain = await gather(open(dataset, settings), 3);
    const threaded = open(dataset, {...settings, workers: 2, prefetch: 3});
    expect(await gather(threaded, 3)).toEqual(plain);
    expect((await gather(threaded, 3, 6)).digests).toEqual(plain.digests.slice(6));
    await threaded.close();
    expect(plain.replaced).toHaveLength(1);
    const [{index, replacement, reason}] = plain.replaced;
    expect(index).toBe(bad);
    expect(reason).toContain(join(folder.root, 'images', 'two.png'));
    expect(plain.indices).toHaveLength(40);
    expect(plain.indices).not.toContain(bad);
    expect(plain.indices.filter((one) => one === replacement)).toHaveLength(2);
    // Another epoch, another replacement (of 39; these seeds give different ones).
    expect((await gather(open(dataset, settings), 4)).replaced[0].replacement).not.toBe(replacement);
  });

  it('look like any sample of the person who took the place', async () => {
    const loader = open(dataset, {batchSize: 4, maxBadFraction: 0.05});
    for await (const batch of loader.batches(3)) {
      if (batch.replaced.length === 0) continue;
      const at = batch.samples.findIndex(({index}) => index === batch.replaced[0].replacement);
      expect(batch.targetWeights.slice(17 * at, 17 * (at + 1)).some((weight) => weight > 0)).toBe(true);
      expect(Math.max(...batch.images.slice(at * 64 * 48 * 3, (at + 1) * 64 * 48 * 3))).toBeGreaterThan(0);
    }
  });

  it('stop the iteration in their turn when they are too many of the dataset, and are named', async () => {
    const loader = open(dataset, {batchSize: 4, maxBadFraction: 0.02, workers: 1, shuffle: false});
    const batches = loader.batches(0);
    for (let i = 0; i < 9; i++) expect((await batches.next()).done).toBe(false);
    const error = await batches.next().catch((caught: unknown) => caught);
    expect(error).toMatchObject({kind: 'data', exitCode: 3});
    expect((error as UserError).message).toMatch(
      /^1 of 40 training samples cannot be used, and dataset\.maxBadFraction=0\.02 allows 0\./,
    );
    expect((error as UserError).message).toContain('two.png');
    await loader.close();
  });

  it('are never replaced in an evaluation', async () => {
    const loader = open(dataset, {augment: null, shuffle: false, maxBadFraction: null});
    await expect(gather(loader, 0)).rejects.toMatchObject({
      kind: 'data',
      message: expect.stringContaining('two.png'),
    });
  });

  it('get a second chance', async () => {
    const healed = await openDataset(folder.config(), 'train', coco17);
    const file = join(folder.root, 'images', 'two.png');
    const broken = await readFile(file);
    const loader = open(healed, {batchSize: 1, shuffle: false, maxBadFraction: null});
    setTimeout(() => copyFile(join(folder.root, 'images', 'one.png'), file), 40);
    const batch = (await loader.batches(0, bad).next()).value;
    expect(batch?.samples[0].index).toBe(bad);
    await writeFile(file, broken);
  });
});

const reference = join(process.env.POSECRAFT_REFERENCE ?? '../shared', 'data', 'coco');
describe.skipIf(!existsSync(reference))('real COCO photographs (needs the reference data)', () => {
  it('give the same batches with and without threads, with weights where keypoints are', async () => {
    const split = (name: string) => ({
      annotations: `annotations/person_keypoints_${name}2017.json`,
      images: `images/${name}2017`,
    });
    const config = configSchema.shape.dataset.parse({
      root: reference,
      train: split('train'),
      val: split('val'),
      limit: 12,
    });
    const dataset = await openDataset(config, 'train', coco17);
    const settings = {input: [256, 192] as const, batchSize: 8};
    const threaded = open(dataset, {...settings, workers: 2});
    expect(await digests(threaded, 0)).toEqual(await digests(open(dataset, settings), 0));
    await threaded.close();
    const {value: batch} = await open(dataset, {...settings, augment: null, shuffle: false})
      .batches(0)
      .next();
    if (!batch) throw new Error('there is a first batch');
    const labelled = batch.samples.flatMap(({index}) =>
      dataset.people[index].keypoints.filter((_, i) => i % 3 === 2).map((v) => Math.min(v, 1)),
    );
    expect(Array.from(batch.targetWeights)).toEqual(labelled);
  });
});
