/** @file What a teacher gave, kept in a file: read back to the bit, and never taken for more than it is. */
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {afterAll, beforeAll, beforeEach, describe, expect, it, vi} from 'vitest';
import {selectBackend} from '../../../src/engine/index.js';
import type {Tapped} from '../../../src/tasks/distill/method.js';
import {recordNumbers, TeacherCache} from '../../../src/tasks/distill/teacherCache.js';

const FEATURES = [3, 2, 4];
const OUTPUTS = [
  [5, 6],
  [5, 7],
];
const RECORD = 4 * (1 + 24 + 30 + 35);

const folder = mkdtempSync(join(tmpdir(), 'teacher-cache-'));
let path: string;
let files = 0;
beforeAll(async () => {
  await selectBackend({backend: 'torch', threads: 1});
});
beforeEach(() => {
  path = join(folder, `${files++}`, 'teacher.bin');
});
afterAll(() => rmSync(folder, {recursive: true}));

const sample = (index: number, flipped = false) => ({index, flipped});
const PAIR = recordNumbers([sample(3), sample(1, true)]);

/** Other numbers in each call; what it was asked. */
function teacher(): {compute: (places: Int32Array) => Tapped; asked: number[][]} {
  const asked: number[][] = [];
  const compute = (places: Int32Array): Tapped => {
    asked.push([...places]);
    const make = (shape: number[]) =>
      tf.randomUniform([places.length, ...shape], 0, 1, 'float32', asked.length);
    return {features: make(FEATURES) as tf.Tensor4D, outputs: OUTPUTS.map(make)};
  };
  return {compute, asked};
}

const valuesOf = ({features, outputs}: Tapped) =>
  [features, ...outputs].map((tensor) => [tensor.shape, Array.from(tensor.dataSync())]);

const opened = () => new TeacherCache(path, [FEATURES, ...OUTPUTS]);

describe('a teacher’s cache', () => {
  it('gives back what the teacher gave, also to another process, and asks no more', () => {
    const {compute, asked} = teacher();
    const cache = opened();
    const first = valuesOf(cache.taught(PAIR, compute));
    expect(valuesOf(cache.taught(PAIR, compute))).toEqual(first);
    cache.close();
    expect(valuesOf(opened().taught(PAIR, compute))).toEqual(first);
    expect(asked).toEqual([[0, 1]]);
  });

  it('knows people in any order and company, and a mirrored one from one who is not', () => {
    const {compute, asked} = teacher();
    const cache = opened();
    const first = valuesOf(cache.taught(PAIR, compute));
    const turned = valuesOf(cache.taught(PAIR.slice().reverse(), compute));
    expect(asked).toHaveLength(1);
    turned.forEach(([, values], i) => {
      const [, both] = first[i];
      const half = both.length / 2;
      expect(values).toEqual([...both.slice(half), ...both.slice(0, half)]);
    });
    cache.taught(recordNumbers([sample(3, true), sample(1)]), compute);
    expect(asked).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it('asks the teacher only about those of a batch whom it does not know', () => {
    const {compute, asked} = teacher();
    const cache = opened();
    const known = valuesOf(cache.taught(PAIR, compute));
    const mixed = recordNumbers([sample(0), sample(3), sample(2, true), sample(1, true)]);
    const first = valuesOf(cache.taught(mixed, compute));
    expect(asked).toEqual([
      [0, 1],
      [0, 2],
    ]);
    first.forEach(([shape, values], i) => {
      const [, pair] = known[i];
      const [size, half] = [values.length / 4, pair.length / 2];
      expect(shape[0]).toBe(4);
      expect(values.slice(size, 2 * size)).toEqual(pair.slice(0, half));
      expect(values.slice(3 * size)).toEqual(pair.slice(half));
      expect(values.slice(0, size)).not.toEqual(values.slice(2 * size, 3 * size));
    });
    expect(valuesOf(cache.taught(mixed, compute))).toEqual(first);
    expect(asked).toHaveLength(2);
  });

  it.each<[string, () => void]>([
    ['cut off', () => truncateSync(path, statSync(path).size - 1)],
    [
      'damaged',
      () => {
        const bytes = readFileSync(path);
        bytes[bytes.length - 1] ^= 1;
        writeFileSync(path, bytes);
      },
    ],
    ['with zeros for a record', () => writeFileSync(path, Buffer.alloc(8 * RECORD))],
    ['followed by other bytes', () => appendFileSync(path, 'more')],
  ])('that is %s is right all the same', (what, spoil) => {
    const {compute, asked} = teacher();
    const cache = opened();
    cache.taught(PAIR, compute);
    expect(statSync(path).size).toBe(7 * RECORD);
    spoil();
    const second = valuesOf(cache.taught(PAIR, compute));
    const again = {'cut off': [[0]], damaged: [[0]], 'with zeros for a record': [[0, 1]]}[what] ?? [];
    expect(asked).toEqual([[0, 1], ...again]);
    expect(valuesOf(cache.taught(PAIR, compute))).toEqual(second);
  });

  it('makes tensors that are freed with the step', () => {
    const {compute} = teacher();
    const cache = opened();
    const step = () => tf.tidy(() => void cache.taught(PAIR, compute));
    step();
    const {numTensors} = tf.memory();
    step();
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('that cannot be written to is told once, and the teacher is asked on', () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const {compute, asked} = teacher();
    const cache = opened();
    cache.close();
    path = '/dev/full';
    const full = opened();
    full.taught(PAIR, compute);
    full.taught(PAIR, compute);
    expect(asked).toHaveLength(2);
    expect(warning).toHaveBeenCalledTimes(1);
    expect(warning).toHaveBeenCalledWith(expect.stringMatching(/kept no further.*\/dev\/full.*ENOSPC/));
    warning.mockRestore();
  });

  it('whose folder cannot be made is an error', () => {
    path = '/dev/null/teachers/x.bin';
    expect(opened).toThrow(/could not be written \(ENOTDIR\)/);
  });
});
