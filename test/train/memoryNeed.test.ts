/** @file What a run that has not enough memory tells of itself. */
import {expect, it} from 'vitest';
import {memoryNeed} from '../../src/train/memoryNeed.js';
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
