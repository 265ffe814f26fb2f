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

/** Other numbers in each call. */
function teacher(): {compute: () => Tapped; calls: () => number} {
  let calls = 0;
  const compute = (batch = PAIR.length): Tapped => {
    calls++;
    const make = (shape: number[]) => tf.randomUniform([batch, ...shape], 0, 1, 'float32', calls);
    return {features: make(FEATURES) as tf.Tensor4D, outputs: OUTPUTS.map(make)};
  };
  return {compute, calls: () => calls};
}

const valuesOf = ({features, outputs}: Tapped) =>
  [features, ...outputs].map((tensor) => [tensor.shape, Array.from(tensor.dataSync())]);

const opened = () => new TeacherCache(path, [FEATURES, ...OUTPUTS]);

describe('a teacher’s cache', () => {
  it('gives back what the teacher gave, also to another process, and asks no more', () => {
    const {compute, calls} = teacher();
    const cache = opened();
    const first = valuesOf(cache.taught(PAIR, compute));
    expect(valuesOf(cache.taught(PAIR, compute))).toEqual(first);
    cache.close();
    expect(valuesOf(opened().taught(PAIR, compute))).toEqual(first);
    expect(calls()).toBe(1);
  });

  it('knows people in any order and company, and a mirrored one from one who is not', () => {
    const {compute, calls} = teacher();
    const cache = opened();
    const first = valuesOf(cache.taught(PAIR, compute));
    const turned = valuesOf(cache.taught(PAIR.subarray(1), compute));
    expect(calls()).toBe(1);
    turned.forEach(([, values], i) => {
      const [, both] = first[i];
      expect(values).toEqual(both.slice(both.length / 2));
    });
    cache.taught(recordNumbers([sample(3, true), sample(1)]), compute);
    expect(calls()).toBe(2);
  });

  it('asks the teacher about the whole batch where it knows only some of it', () => {
    const {compute, calls} = teacher();
    const cache = opened();
    cache.taught(PAIR, compute);
    const other = recordNumbers([sample(3), sample(0)]);
    const mixed = valuesOf(cache.taught(other, compute));
    expect(calls()).toBe(2);
    expect(valuesOf(cache.taught(other, compute))).toEqual(mixed);
    expect(calls()).toBe(2);
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
    const {compute, calls} = teacher();
    const cache = opened();
    cache.taught(PAIR, compute);
    expect(statSync(path).size).toBe(7 * RECORD);
    spoil();
    const second = valuesOf(cache.taught(PAIR, compute));
    expect(calls()).toBe(what.startsWith('followed') ? 1 : 2);
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
    const {compute, calls} = teacher();
    const cache = opened();
    cache.close();
    path = '/dev/full';
    const full = opened();
    full.taught(PAIR, compute);
    full.taught(PAIR, compute);
    expect(calls()).toBe(2);
    expect(warning).toHaveBeenCalledTimes(1);
    expect(warning).toHaveBeenCalledWith(expect.stringMatching(/kept no further.*\/dev\/full.*ENOSPC/));
    warning.mockRestore();
  });

  it('whose folder cannot be made is an error', () => {
    path = '/dev/null/teachers/x.bin';
    expect(opened).toThrow(/could not be written \(ENOTDIR\)/);
  });
});
