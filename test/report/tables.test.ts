import {describe, expect, it} from 'vitest';
import {
  type EvaluationRow,
  evaluationTable,
  modelLine,
  splitLine,
  unmeasuredNote,
} from '../../src/report/tables.js';

describe('tables', () => {
  it('align figures under their names', () => {
    const rows: EvaluationRow[] = [
      {name: 'best', stats: {AP: 0.7424, AP50: 0.905, APM: -1}},
      {name: 'epoch 210', stats: {AP: 0.74, AP50: 0.9}},
    ];
    expect(evaluationTable(rows)).toBe(
      [
        '              AP   AP50  APM', //
        'best       0.742  0.905    –',
        'epoch 210  0.740  0.900    –',
      ].join('\n'),
    );
  });

  it.each([
    [23, ['              AP   AP50', 'best       0.742  0.905', '           APM', 'best         –']],
    [10, ['         AP', 'best  0.742', '       AP50', 'best  0.905', '      APM', 'best    –']],
  ])('fold figures into a width of %d', (width, lines) => {
    const name = width === 23 ? 'best     ' : 'best';
    const table = evaluationTable([{name, stats: {AP: 0.7424, AP50: 0.905, APM: -1}}], width);
    expect(table.split('\n')).toEqual(lines);
  });

  it('explain −1 in words', () => {
    expect(unmeasuredNote({name: 'x', stats: {AP: 0.5, APM: -1, ARM: -1}})).toMatch(
      /^APM, ARM: not measured/,
    );
    expect(unmeasuredNote({name: 'x', stats: {AP: 0.5}})).toBeNull();
  });

  it('summarise data and model', () => {
    const rejected = {'without keypoints': 12, 'with an empty box': 0};
    expect(splitLine({images: 56599, people: 149813, rejected})).toBe(
      '56,599 images, 149,813 people; left out: 12 without keypoints',
    );
    expect(splitLine({images: 2, people: 3, rejected: {}})).toBe('2 images, 3 people');
    expect(modelLine({name: 'hrnet_w32', parameters: 28_535_552, macs: 7.12e9, input: [256, 192]})).toBe(
      'hrnet_w32, 28.5 M parameters, 7.12 G MACs, input 256x192',
    );
  });
});
