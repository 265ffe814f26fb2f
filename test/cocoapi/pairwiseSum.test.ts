import {expect, it} from 'vitest';
import {pairwiseSum} from '../../src/cocoapi/pairwiseSum.js';

// numpy 2.4: numpy.sum(1 / numpy.arange(1., count + 1)). A plain sum differs in the last digits from 128 on.
it.each([
  [0, 0],
  [5, 2.283333333333333],
  [19, 3.547739657143682],
  [128, 5.433147092589173],
  [129, 5.440899030573669],
  [1010, 7.495416242550459],
  [8001, 9.564599968638374],
])('adds %i reciprocals to the last bit as numpy does', (count, expected) => {
  expect(pairwiseSum(Array.from({length: count}, (_, i) => 1 / (i + 1)))).toBe(expected);
});
