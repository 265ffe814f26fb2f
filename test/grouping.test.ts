import {expect, it} from 'vitest';
import {groupBy} from '../src/grouping.js';

it('keeps the order of keys as they first occur, and of the items of each', () => {
  const groups = groupBy([5, 2, 8, 3, 6], (value) => value % 3);
  expect([...groups]).toEqual([
    [2, [5, 2, 8]],
    [0, [3, 6]],
  ]);
  expect(groupBy([], String)).toEqual(new Map());
});
