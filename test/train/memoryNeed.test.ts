/** @file What a run that has not enough memory tells of itself. */
import {expect, it} from 'vitest';
import {memoryNeed, memoryWarning} from '../../src/train/memoryNeed.js';
import {CONFIG} from './config.js';

const layer = (name: string, output: number[] | null) => ({
  name,
  type: 'Conv2d',
  output,
  parameters: 1,
  macs: 1,
  activationBytes: 0,
});

it('names the batch, the input and the three layers with the largest outputs', () => {
  const layers = [
    layer('small', [1, 2, 2, 4]),
    layer('bn', null),
    layer('huge', [1, 512, 512, 64]),
    layer('large', [1, 256, 256, 64]),
    layer('middle', [1, 8, 8, 16]),
  ];
  expect(memoryNeed(CONFIG, layers)).toBe(
    'with train.batchSize=2, model.input=[32,32], train.precision=fp32; the largest outputs in training: ' +
      'huge [2,512,512,64] 128 MiB, large [2,256,256,64] 32 MiB, middle [2,8,8,16] 8 KiB',
  );
});

it('names the batch and the input where no model was built yet', () => {
  expect(memoryNeed(CONFIG, [])).toBe('with train.batchSize=2, model.input=[32,32], train.precision=fp32');
});

it('warns of activations that do not fit into what is free', () => {
  const layers = [{...layer('huge', [1, 512, 512, 64]), activationBytes: 2 ** 26}];
  expect(memoryWarning(CONFIG, layers, 1.2 * 2 ** 27)).toBeNull();
  expect(memoryWarning(CONFIG, layers, 2 ** 27)).toBe(
    'The activations of a step take 154 MiB, and 128 MiB of memory are free: the system may kill the run without a word, with ' +
      'train.batchSize=2, model.input=[32,32], train.precision=fp32; the largest outputs in training: huge [2,512,512,64] 128 MiB.',
  );
  const half = {...CONFIG, train: {...CONFIG.train, precision: 'bf16' as const}};
  expect(memoryWarning(half, layers, 2 ** 27)).toBeNull();
});
