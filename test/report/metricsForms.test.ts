import {describe, expect, it} from 'vitest';
import {metricsCsv, scalarsOf} from '../../src/report/metricsForms.js';
import type {MetricsEvent} from '../../src/report/metricsLog.js';

const EVENTS: MetricsEvent[] = [
  {type: 'train', step: 1, epoch: 0, loss: 0.5, learningRate: 1e-7},
  {type: 'reject', step: 1, epoch: 0, sample: 3, reason: 'gone'},
  {type: 'train', step: 2, epoch: 0, loss: Number.NaN, learningRate: 1e-3, note: 'a "b", c'},
  {type: 'eval', step: 2, epoch: 1, AP: 0.25, AP_medium: -1},
];

describe('metrics.csv', () => {
  it('has a row for each training and validation event, and empty cells', () => {
    expect(metricsCsv(EVENTS).split('\n')).toEqual([
      'type,step,epoch,loss,learningRate,note,AP,AP_medium',
      'train,1,0,0.5,1e-7,,,',
      'train,2,0,NaN,0.001,"a ""b"", c",,',
      'eval,2,1,,,,0.25,-1',
      '',
    ]);
  });
});

describe("TensorBoard's tags", () => {
  it('are train/ and val/, of every number that was measured', () => {
    expect(EVENTS.map(scalarsOf)).toEqual([
      {'train/loss': 0.5, 'train/learningRate': 1e-7},
      {},
      {'train/loss': Number.NaN, 'train/learningRate': 1e-3},
      {'val/AP': 0.25},
    ]);
  });
});
