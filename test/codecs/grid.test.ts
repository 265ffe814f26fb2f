/** @file The two conventions of how long a raster is. */
import {describe, expect, it} from 'vitest';
import {extent, pixelsPerCell} from '../../src/codecs/grid.js';

describe('a raster', () => {
  it('is as long as its cells, or in UDP’s convention as the way between its outer centres', () => {
    expect([extent(64, 'plain'), extent(64, 'udp')]).toEqual([64, 63]);
  });

  it('over an input has cells of so many pixels', () => {
    expect(pixelsPerCell([256, 192], [64, 48], 'plain')).toEqual([4, 4]);
    expect(pixelsPerCell([256, 192], [64, 48], 'udp')).toEqual([255 / 63, 191 / 47]);
  });
});
