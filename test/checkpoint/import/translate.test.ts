/** @file Published names in ours: HRNet, SimpleBaseline and the stacked hourglass, from the authors' files and MMPose's. */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {fit, translate} from '../../../src/checkpoint/import/translate.js';
import type {StateDict} from '../../../src/checkpoint/stateDict.js';
import {loadWeights} from '../../../src/checkpoint/weights.js';
import {floats} from '../builders.js';

const REFERENCE = join(process.env.POSECRAFT_REFERENCE ?? '../shared', 'fixtures');

function dict(...names: string[]): StateDict {
  return new Map(names.map((name, i) => [name, floats(i)]));
}

/** Published name -> ours, for all that was translated. */
function mapping(...names: string[]) {
  const published = dict(...names);
  const {family, weights, unknown} = translate(published, 'x.pth');
  const ours = new Map([...weights].map(([name, tensor]) => [tensor, name]));
  return {family, unknown, names: [...published].map(([name, tensor]) => [name, ours.get(tensor) ?? null])};
}

describe('published weights', () => {
  it.each([
    ['the authors', '', ''],
    ['MMPose 0.x', 'backbone.', 'keypoint_head.'],
    ['MMPose 1.x', 'backbone.', 'head.'],
  ])('of HRNet by %s get the authors’ names', (_, body, head) => {
    const ours = [
      'conv1.weight',
      'bn2.running_mean',
      'layer1.0.downsample.0.weight',
      'transition1.1.0.0.weight',
      'stage2.0.branches.0.0.conv1.weight',
      'stage4.2.fuse_layers.0.3.1.num_batches_tracked',
      'final_layer.bias',
    ];
    const published = ours.map((name) => (name.startsWith('final') ? head : body) + name);
    const result = mapping(...published);
    expect(result).toMatchObject({family: 'HRNet', unknown: []});
    expect(result.names.map(([, name]) => name)).toEqual(ours);
  });

  it.each([
    ['the authors', '', ''],
    ['MMPose 0.x', 'backbone.', 'keypoint_head.'],
    ['MMPose 1.x', 'backbone.', 'head.'],
  ])('of SimpleBaseline by %s get the authors’ names', (_, body, head) => {
    const ours = ['conv1.weight', 'layer4.0.conv1.weight', 'deconv_layers.0.weight', 'final_layer.weight'];
    const published = ours.map((name) => (/^(deconv|final)/.test(name) ? head : body) + name);
    const result = mapping(...published);
    expect(result).toMatchObject({family: 'SimpleBaseline', unknown: []});
    expect(result.names.map(([, name]) => name)).toEqual(ours);
  });

  it('of torchvision’s ResNet fill a SimpleBaseline’s backbone', () => {
    const {family, names, unknown} = mapping('conv1.weight', 'layer4.0.conv1.weight', 'fc.weight');
    expect({family, unknown}).toEqual({family: 'SimpleBaseline', unknown: []});
    expect(names.at(-1)).toEqual(['fc.weight', null]);
  });

  it.each(['', 'module.', 'model.module.'])('of the hourglass lose the prefix %j', (prefix) => {
    const ours = ['pre.0.conv.weight', 'hgs.0.0.up1.bn1.weight', 'merge_preds.0.conv.conv.bias'];
    const result = mapping(...ours.map((name) => prefix + name));
    expect(result).toMatchObject({family: 'stacked hourglass', unknown: []});
    expect(result.names.map(([, name]) => name)).toEqual(ours);
  });

  it.each(['', 'backbone.'])(
    'of CSPNeXt with the prefix %j, heads and a classifier get MMPose’s names',
    (prefix) => {
      const body = ['stem.0.conv.weight', 'stage4.1.conv2.bn.bias', 'stage4.2.main_conv.conv.weight'];
      const heads = ['head.final_layer.bias', 'head.mlp.0.g', 'head.gau.uv.weight', 'head.mlp_head_x.bias'];
      const {family, unknown, names} = mapping(
        ...body.map((name) => prefix + name),
        ...heads,
        'head.fc.bias',
      );
      expect({family, unknown}).toEqual({family: 'RTMPose', unknown: []});
      expect(names.map(([, name]) => name)).toEqual([
        ...body.map((name) => `backbone.${name}`),
        ...heads,
        null,
      ]);
    },
  );

  it('of MMPose’s SimCC on a ResNet fill a SimpleBaseline with that head', () => {
    const deconvolutions = ['deconv_layers.0.weight', 'final_layer.weight'];
    const published = [
      'backbone.layer4.0.conv1.weight',
      ...deconvolutions.map((name) => `head.deconv_head.${name}`),
      'head.mlp_head_y.weight',
    ];
    const {unknown, names} = mapping(...published);
    expect(unknown).toEqual([]);
    expect(names.map(([, name]) => name)).toEqual([
      ...[
        'layer4.0.conv1.weight',
        'deconv_layers.0.weight',
        'head.final_layer.weight',
        'head.mlp_head_y.weight',
      ],
    ]);
  });

  it('name what they hold beside them', () => {
    const classifier = ['incre_modules.0.0.conv1.weight', 'classifier.weight'];
    const {unknown, names} = mapping(
      'stage2.0.branches.0.0.conv1.weight',
      'data_preprocessor.mean',
      ...classifier,
    );
    expect(unknown).toEqual(classifier);
    expect(names[1]).toEqual(['data_preprocessor.mean', null]);
  });

  it('of another network are refused', () => {
    const call = () => translate(dict('encoder.0.weight'), 'x.pth');
    expect(call).toThrow(/^x\.pth: is of no network that is known here \(HRNet, .*encoder\.0\.weight/);
  });

  it('are refused if two of them would be one', () => {
    const both = dict('stage2.0.branches.0.0.conv1.weight', 'conv1.weight', 'backbone.conv1.weight');
    expect(() => translate(both, 'x.pth')).toThrow(/two of its arrays are "conv1\.weight".*"backbone\.conv1/);
  });

  it.runIf(existsSync(REFERENCE)).each([
    ['hrnet/hrnet_thin_coco17.pth', 'HRNet'],
    ['hourglass/hourglass_thin_mpii16.pth', 'stacked hourglass'],
    ['rtmpose/rtmpose_thin_coco17.pth', 'RTMPose'],
  ])('of the reference file %s are all known', async (file, family) => {
    const weights = await loadWeights(join(REFERENCE, file));
    const result = translate(weights, file);
    expect(result).toMatchObject({family, unknown: []});
    expect([...result.weights.keys()]).toEqual([...weights.keys()]);
  });
});

describe('fitting weights to a model', () => {
  it('tells what is left on either side, with the shapes that differ', () => {
    const model: StateDict = new Map([
      ['conv1.weight', floats(1, 2)],
      ['final_layer.bias', floats(1, 2, 3)],
      ['bn1.num_batches_tracked', floats(1)],
      ['extra', floats(1)],
    ]);
    const weights: StateDict = new Map([
      ['conv1.weight', floats(7, 8)],
      ['final_layer.bias', floats(1)],
      ['other', floats(1)],
    ]);
    const {matched, missing, unused} = fit(weights, model);
    expect([...matched]).toEqual([['conv1.weight', floats(7, 8)]]);
    expect(missing).toEqual(['final_layer.bias', 'extra']);
    expect(unused).toEqual(["final_layer.bias [1] (the model's: [3])", 'other']);
  });
});
