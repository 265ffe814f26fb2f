/** @file Parameters and operations of the published networks, in units of 10⁹. */
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../src/engine/index.js';
import {StackedHourglass} from '../../src/models/backbones/hourglass.js';
import {HRNet} from '../../src/models/backbones/hrnet.js';
import {ResNet} from '../../src/models/backbones/resnet.js';
import {HeatmapHead} from '../../src/models/heads/heatmap.js';
import {PoseModel} from '../../src/models/poseModel.js';
import {buildModel} from '../../src/models/registry.js';
import {formatSummary, summarize, summaryTotals, summaryTree} from '../../src/models/summary.js';
import {BatchNorm2d, Conv2d, ReLU} from '../../src/nn/layers.js';
import {Sequential} from '../../src/nn/sequential.js';
import {hrnetOfWidth, modelConfig, TINY_CSPNEXT, TINY_RTMCC_HEAD} from './configs.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

describe('summarize', () => {
  // Sun et al. 2019, Tables 1 and 3, and the README of HRNet's repository. Their code counts the products of convolutions
  // alone (no normalisation, no upsampling, no bias), as here, and divides by 2^30.
  it.each([
    {width: 32, keypoints: 17, input: [256, 192], megaParameters: '28.5', published: '7.1', gigaMacs: '7.65'},
    {
      width: 32,
      keypoints: 17,
      input: [384, 288],
      megaParameters: '28.5',
      published: '16.0',
      gigaMacs: '17.20',
    },
    {
      width: 48,
      keypoints: 17,
      input: [256, 192],
      megaParameters: '63.6',
      published: '14.6',
      gigaMacs: '15.69',
    },
    {
      width: 48,
      keypoints: 17,
      input: [384, 288],
      megaParameters: '63.6',
      published: '32.9',
      gigaMacs: '35.31',
    },
    {
      width: 32,
      keypoints: 16,
      input: [256, 256],
      megaParameters: '28.5',
      published: '9.5',
      gigaMacs: '10.19',
    },
  ] as const)('counts HRNet-W$width at $input as published', (row) => {
    const {width, keypoints, input, megaParameters, published, gigaMacs} = row;
    const model = new PoseModel(new HRNet(hrnetOfWidth(width)), new HeatmapHead(width, keypoints, 1));
    const {parameters, macs} = summaryTotals(summarize(model, input));
    expect((parameters / 1e6).toFixed(1)).toBe(megaParameters);
    expect((macs / 2 ** 30).toFixed(1)).toBe(published);
    expect((macs / 1e9).toFixed(2)).toBe(gigaMacs);
    if (width === 32 && keypoints === 17) expect(parameters).toBe(28_536_113);
    model.dispose();
  });

  // Xiao et al. 2018, Table 1, for the parameters; the operations are worked out by hand. What HRNet's authors print
  // for these (8.9, 12.4, 15.7) counts a deconvolution as if its output were its input, and units of 2^30.
  it.each([
    {layers: 50, megaParameters: '34.00', gigaMacs: '5.43'},
    {layers: 101, megaParameters: '52.99', gigaMacs: '9.06'},
    {layers: 152, megaParameters: '68.64', gigaMacs: '12.70'},
  ] as const)('counts SimpleBaseline-$layers', ({layers, megaParameters, gigaMacs}) => {
    const config = {type: 'resnet', layers, channels: 64, deconvolution: [256, 256, 256]} as const;
    const backbone = new ResNet({...config, deconvolution: [...config.deconvolution]});
    const model = new PoseModel(backbone, new HeatmapHead(256, 17, 1));
    const {parameters, macs} = summaryTotals(summarize(model, [256, 192]));
    expect((parameters / 1e6).toFixed(2)).toBe(megaParameters);
    expect((macs / 1e9).toFixed(2)).toBe(gigaMacs);
    model.dispose();
  });

  // Without the projections of residual modules that the published code makes and does not use: with them, eight
  // stacks have 32.82 million.
  it.each([
    {stacks: 1, megaParameters: '3.43', gigaMacs: '5.15'},
    {stacks: 2, megaParameters: '6.57', gigaMacs: '8.33'},
    {stacks: 4, megaParameters: '12.86', gigaMacs: '14.70'},
    {stacks: 8, megaParameters: '25.43', gigaMacs: '27.44'},
  ])('counts $stacks stacked hourglasses', ({stacks, megaParameters, gigaMacs}) => {
    const backbone = new StackedHourglass({type: 'hourglass', stacks, channels: 256}, 16);
    const model = new PoseModel(backbone, new HeatmapHead(256, 16, 1, backbone.finalLayer));
    const {parameters, macs} = summaryTotals(summarize(model, [256, 256]));
    expect((parameters / 1e6).toFixed(2)).toBe(megaParameters);
    expect((macs / 1e9).toFixed(2)).toBe(gigaMacs);
    model.dispose();
  });

  // Jiang et al. 2023, Table 6, to the digits printed; the operations also to a third digit by a count apart from this one.
  it.each([
    {size: 't', widenFactor: 0.375, deepenFactor: 0.167, megaParameters: '3.34', gigaMacs: '0.355'},
    {size: 's', widenFactor: 0.5, deepenFactor: 0.33, megaParameters: '5.47', gigaMacs: '0.676'},
    {size: 'm', widenFactor: 0.75, deepenFactor: 0.67, megaParameters: '13.59', gigaMacs: '1.918'},
    {size: 'l', widenFactor: 1, deepenFactor: 1, megaParameters: '27.66', gigaMacs: '4.142'},
  ])('counts RTMPose-$size', ({widenFactor, deepenFactor, megaParameters, gigaMacs}) => {
    const config = modelConfig({type: 'cspnext', widenFactor, deepenFactor, deconvolution: []}, [256, 192], {
      ...TINY_RTMCC_HEAD,
      hiddenChannels: 256,
      gau: {queryChannels: 128, expansion: 2},
    });
    const model = buildModel(config, 17, 0);
    const {parameters, macs} = summaryTotals(summarize(model, [256, 192]));
    expect((parameters / 1e6).toFixed(2)).toBe(megaParameters);
    expect((macs / 1e9).toFixed(3)).toBe(gigaMacs);
    model.dispose();
  });

  it('counts grouped and strided convolutions by their outputs, and puts the mode back', () => {
    const model = new Sequential(
      new Conv2d(3, 8, 3, {stride: 2, padding: 1}),
      new Conv2d(8, 8, 3, {groups: 4}),
    );
    expect(summarize(model, [8, 12])).toMatchObject([
      {name: '0', type: 'Conv2d', output: [1, 4, 6, 8], parameters: 3 * 9 * 8 + 8, macs: 24 * 3 * 9 * 8},
      {name: '1', type: 'Conv2d', output: [1, 2, 4, 8], parameters: 2 * 9 * 8 + 8, macs: 8 * 2 * 9 * 8},
    ]);
    expect(model.training).toBe(true);
  });

  it('counts the outputs of convolutions and of normalisations as activations', () => {
    const model = new Sequential(
      new Conv2d(3, 8, 3, {stride: 2, padding: 1}),
      new BatchNorm2d(8),
      new ReLU(),
      new Conv2d(8, 2, 1),
    );
    const bytes = summarize(model, [8, 12]).map(({activationBytes}) => activationBytes);
    expect(bytes).toEqual([4 * 4 * 6 * 8, 4 * 4 * 6 * 8, 4 * 4 * 6 * 2]);
  });
});

describe('the tree of layers', () => {
  const block = () => new Sequential(new Conv2d(4, 4, 1, {bias: false}), new BatchNorm2d(4));
  const model = new Sequential(new Conv2d(3, 4, 1, {bias: false}), new Sequential(block(), block()));
  const rows = (depth: number) => summaryTree(model, summarize(model, [2, 2]), depth);

  it('holds at a name the sums of what is below it', () => {
    expect(rows(1)).toMatchObject([
      {name: '0', depth: 0, type: 'Conv2d', output: [1, 2, 2, 4], parameters: 12, macs: 4 * 12},
      {name: '1', depth: 0, type: 'Sequential', output: null, parameters: 2 * 24, macs: 2 * 4 * 16},
    ]);
    expect(summaryTotals(rows(1))).toEqual(summaryTotals(summarize(model, [2, 2])));
  });

  it('holds at a layer that has parameters of its own and layers below it the sums of both', () => {
    const rtmpose = buildModel(modelConfig(TINY_CSPNEXT, [64, 32], TINY_RTMCC_HEAD), 3, 0);
    const layers = summarize(rtmpose, [64, 32]);
    const shown = summaryTree(rtmpose, layers, 2);
    // Tokens of 8, queries of 6, gate and values of 16: γ, β, o, uv, ScaleNorm's g, the factors of the input.
    expect(shown.find(({name}) => name === 'head.gau')).toMatchObject({
      ...{type: 'GatedAttention', output: [1, 3, 8]},
      parameters: 2 * 6 + 2 * 6 + 16 * 8 + 8 * (2 * 16 + 6) + 1 + 8,
      macs: 3 * 3 * (6 + 16) + 3 * 16 * 8 + 3 * 8 * (2 * 16 + 6),
    });
    expect(summaryTotals(shown.filter(({depth}) => depth === 1))).toEqual(summaryTotals(layers));
  });

  it('goes as deep as it is told', () => {
    expect(rows(2).map(({name}) => name)).toEqual(['0', '1', '1.0', '1.1']);
    expect(rows(9).map(({name, depth}) => `${depth} ${name}`)).toEqual([
      ...['0 0', '0 1', '1 1.0', '2 1.0.0', '2 1.0.1', '1 1.1', '2 1.1.0', '2 1.1.1'],
    ]);
  });

  it('has a name once, also where backbone and head both have layers below it', () => {
    const backbone = new StackedHourglass({type: 'hourglass', stacks: 3, channels: 4}, 2);
    const hourglass = new PoseModel(backbone, new HeatmapHead(4, 2, 1, backbone.finalLayer));
    const layers = summarize(hourglass, [64, 64]);
    const shown = summaryTree(hourglass, layers, 1);
    expect(shown.map(({name}) => name)).toEqual([
      ...['pre', 'hgs', 'features', 'outs', 'merge_features', 'merge_preds'],
    ]);
    expect(summaryTotals(shown)).toEqual(summaryTotals(layers));
    const below = summaryTree(hourglass, layers, 2).map(({name}) => name);
    expect(below.filter((name) => name.startsWith('outs'))).toEqual(['outs', 'outs.0', 'outs.1', 'outs.2']);
    expect(summaryTree(hourglass, layers, 99).filter(({parameters}) => parameters === 0)).toEqual([]);
  });

  it('is printed with its totals', () => {
    const wide = new Sequential(
      new Conv2d(3, 1000, 1, {bias: false}),
      new Sequential(new Conv2d(1000, 1, 1)),
    );
    const layers = summarize(wide, [10, 100]);
    expect(formatSummary(summaryTree(wide, layers, 2), summaryTotals(layers))).toBe(
      [
        'layer  type        output       parameters       MACs  activations',
        '0      Conv2d      10×100×1000       3,000  3,000,000     3.81 MiB',
        '1      Sequential                    1,001  1,000,000     0.00 MiB',
        '  0    Conv2d      10×100×1          1,001  1,000,000     0.00 MiB',
        'total                                4,001  4,000,000     3.82 MiB',
        '0.00 M parameters (0.0 MiB), 0.004 GMACs, 3.8 MiB of activations an image in training (float32)',
        '',
      ].join('\n'),
    );
  });
});
