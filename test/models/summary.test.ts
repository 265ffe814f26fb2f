/** @file Parameters and operations of the published HRNets (Sun et al. 2019, Table 1, in units of 10⁹). */
import {beforeAll, describe, expect, it} from 'vitest';
import {selectBackend} from '../../src/engine/index.js';
import {HRNet} from '../../src/models/backbones/hrnet.js';
import {HeatmapHead} from '../../src/models/heads/heatmap.js';
import {PoseModel} from '../../src/models/poseModel.js';
import {formatSummary, summarize, summaryTotals} from '../../src/models/summary.js';
import {Conv2d} from '../../src/nn/layers.js';
import {Sequential} from '../../src/nn/sequential.js';
import {hrnetOfWidth} from './configs.js';

beforeAll(async () => {
  await selectBackend({backend: 'torch'});
});

describe('summarize', () => {
  it.each([
    {width: 32, megaParameters: '28.54', gigaMacs: '7.65'},
    {width: 48, megaParameters: '63.60', gigaMacs: '15.69'},
  ])('counts HRNet-W$width as published', ({width, megaParameters, gigaMacs}) => {
    const model = new PoseModel(new HRNet(hrnetOfWidth(width)), new HeatmapHead(width, 17, 1));
    const totals = summaryTotals(summarize(model, [256, 192]));
    expect((totals.parameters / 1e6).toFixed(2)).toBe(megaParameters);
    expect((totals.macs / 1e9).toFixed(2)).toBe(gigaMacs);
    if (width === 32) expect(totals.parameters).toBe(28_536_113);
    model.dispose();
  });

  it('counts grouped and strided convolutions by their outputs, and puts the mode back', () => {
    const model = new Sequential(
      new Conv2d(3, 8, 3, {stride: 2, padding: 1}),
      new Conv2d(8, 8, 3, {groups: 4}),
    );
    expect(summarize(model, [8, 12])).toEqual([
      {name: '0', type: 'Conv2d', output: [1, 4, 6, 8], parameters: 3 * 9 * 8 + 8, macs: 24 * 3 * 9 * 8},
      {name: '1', type: 'Conv2d', output: [1, 2, 4, 8], parameters: 2 * 9 * 8 + 8, macs: 8 * 2 * 9 * 8},
    ]);
    expect(model.training).toBe(true);
  });

  it('prints a line a layer and the totals', () => {
    const model = new Sequential(new Conv2d(3, 1000, 1, {bias: false}));
    expect(formatSummary(summarize(model, [10, 100]))).toBe(
      [
        'layer  type    output       parameters       MACs',
        '0      Conv2d  10×100×1000       3,000  3,000,000',
        'total                            3,000  3,000,000',
        '0.00 M parameters, 0.00 GMACs',
        '',
      ].join('\n'),
    );
  });
});
