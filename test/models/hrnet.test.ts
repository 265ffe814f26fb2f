/** @file HRNet's structure: published names, free widths, and configurations that make no network. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../src/engine/index.js';
import {UserError} from '../../src/errors.js';
import {HRNet} from '../../src/models/backbones/hrnet.js';
import {HeatmapHead} from '../../src/models/heads/heatmap.js';
import {hrnetOfWidth, TINY_HRNET} from './configs.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

describe('HRNet', () => {
  it('names the keys that published checkpoints have, and none for paths that are not there', () => {
    const keys = new HRNet(hrnetOfWidth(8)).namedState();
    for (const key of [
      'layer1.0.downsample.1.running_var',
      'transition1.1.0.0.weight',
      'transition3.3.0.1.num_batches_tracked',
      'stage2.0.branches.0.0.conv1.weight',
      'stage4.0.fuse_layers.3.0.2.0.weight',
      'stage4.2.fuse_layers.0.3.1.running_mean',
    ]) {
      expect(keys.has(key), key).toBe(true);
    }
    const names = [...keys.keys()];
    expect(
      names.filter((key) => /^(layer1\.1\.downsample|transition2\.0|stage4\.2\.fuse_layers\.1)/.test(key)),
    ).toEqual([]);
  });

  it('adapts widths that change from stage to stage', () => {
    const {stage3, stage4} = TINY_HRNET;
    const backbone = new HRNet({
      ...TINY_HRNET,
      stage3: {...stage3, channels: [5, 6, 8]},
      stage4: {...stage4, channels: [5, 7, 8, 10]},
    });
    expect(backbone.namedParameters().get('transition2.0.0.weight')!.shape).toEqual([3, 3, 4, 5]);
    expect(backbone.namedParameters().get('transition3.1.0.weight')!.shape).toEqual([3, 3, 6, 7]);
    expect(backbone.eval().forward(tf.zeros([1, 32, 64, 3])).shape).toEqual([1, 8, 16, 5]);
  });

  it('refuses a stage with the wrong number of branches, by its key', () => {
    const make = () => new HRNet({...TINY_HRNET, stage3: TINY_HRNET.stage2});
    expect(make).toThrow(UserError);
    expect(make).toThrow('model.backbone.stage3: has 2 channels and 2 blocks; give 3 of each');
  });
});

it('a head with an even kernel is refused, one with an odd kernel keeps the size', () => {
  expect(() => new HeatmapHead(4, 2, 2)).toThrow('model.head.finalConvKernel: is 2; set an odd number.');
  expect(new HeatmapHead(4, 2, 3).forward(tf.zeros([1, 5, 6, 4]))[0].shape).toEqual([1, 5, 6, 2]);
});
