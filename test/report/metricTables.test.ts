import {describe, expect, it} from 'vitest';
import {figureLines, keypointTable, percentRow} from '../../src/report/metricTables.js';

describe('figures as text', () => {
  it('say what they are measured in', () => {
    const figures = {PCK: 0.8416, AUC: -1, EPE: 12.345, NME: 0.1};
    expect(figureLines(figures, {threshold: 0.2, normalizer: 'torso'}).split('\n')).toEqual([
      'PCK@0.2 (torso)              0.842',
      'AUC of PCK@0 to 0.5 (torso)      –',
      'EPE (pixels)                 12.35',
      'NME (torso)                  0.100',
    ]);
  });

  it('name a length of pixels or between keypoints', () => {
    const line = (normalizer: number | [string, string]) =>
      figureLines({PCK: 1}, {threshold: 0.05, normalizer});
    expect(line(30)).toBe('PCK@0.05 (30 pixels)  1.000');
    expect(line(['neck', 'left_hip'])).toBe('PCK@0.05 (neck to left_hip)  1.000');
  });

  it('stand in a row as percentages', () => {
    expect(percentRow({Head: 95.6003, 'Mean@0.1': -1})).toBe('Head   Mean@0.1\n95.60         –');
  });

  it('stand by keypoint, with what one metric knows of a keypoint and another does not', () => {
    expect(keypointTable({nose: {labelled: 12, PCK: 0.5}, hip: {labelled: 3, PCK: 1, EPE: 4}})).toBe(
      [
        'keypoint  labelled    PCK   EPE',
        'nose            12  0.500     –',
        'hip              3  1.000  4.00',
      ].join('\n'),
    );
  });
});
