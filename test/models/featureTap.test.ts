/** @file Places in a backbone by name: how many channels the features have there, and what is told of a wrong name. */
import * as tf from '@tensorflow/tfjs';
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../src/engine/index.js';
import {FeatureTap} from '../../src/models/featureTap.js';
import {buildModel, featureChannels} from '../../src/models/registry.js';
import {getStateDict} from '../../src/nn/stateDict.js';
import {modelConfig, TINY_CSPNEXT, TINY_HRNET} from './configs.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

const INPUT: [number, number] = [64, 64];
const HRNET = modelConfig(TINY_HRNET, INPUT);
const backboneOf = (config = HRNET) => buildModel(config, 17, 0).backbone;

describe('a tap', () => {
  it('without a name takes what the head gets', () => {
    const backbone = backboneOf();
    expect(new FeatureTap(backbone, null, 'key').channels(INPUT)).toBe(backbone.channels);
  });

  it('takes the features of a layer, of its own width and grid, beside those of the head', () => {
    const backbone = backboneOf().eval();
    const images = tf.ones([1, ...INPUT, 3]) as tf.Tensor4D;
    const tap = new FeatureTap(backbone, 'stage2.0.branches.1', 'key');
    const {result, features} = tf.tidy(() => tap.take(() => ({features: backbone.forward(images)})));
    expect(features.shape).toEqual([1, 8, 8, TINY_HRNET.stage2.channels[1]]);
    expect(result.features.dataSync()).toEqual(backbone.forward(images).dataSync());
  });

  it('is asked for its channels without moving statistics or the mode', () => {
    const backbone = backboneOf().train();
    const before = getStateDict(backbone);
    const tap = new FeatureTap(backbone, 'layer1', 'key');
    expect(tap.channels(INPUT)).toBe(4 * TINY_HRNET.stage1.channels);
    expect(getStateDict(backbone)).toEqual(before);
    expect(backbone.training).toBe(true);
    expect(featureChannels(HRNET, 'layer1', 'key')).toBe(4 * TINY_HRNET.stage1.channels);
  });

  it("knows CSPNeXt's layers by MMPose's names", () => {
    const config = modelConfig(TINY_CSPNEXT, INPUT);
    const last = backboneOf(config).channels;
    expect(featureChannels(config, 'backbone.stage3', 'key')).toBe(last / 2);
  });
});

describe('a mistake', () => {
  it.each([
    [
      'stage2.0.branches.9',
      /^distill\.taps\.student: .* is no layer of the backbone\. The nearest are "stage2\.0\.branches\.\d"/,
    ],
    ['bn1', /"bn1" gives no feature map by itself; name the block around it/],
    ['', /"" is no layer/],
  ])('as "%s" is told', (name, message) => {
    const channels = () => new FeatureTap(backboneOf(), name, 'distill.taps.student').channels(INPUT);
    expect(channels).toThrow(message);
  });
});
