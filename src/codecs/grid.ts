/**
 * @file How rasters lie over each other: what "the size" of a raster is, in the plain convention and in UDP's (Huang et
 * al. 2020, Sect. 3.2). The map from image to input and the one from input to cells both follow from it.
 */

/** [height, width] */
export type Size = readonly [number, number];

/**
 * plain: a raster of n cells is n long, as in HRNet's code. Scaling by it moves the centres of cells.
 * udp: it is as long as the way from its first centre to its last, n − 1. Scaling keeps centres on centres, so that
 * mirroring commutes with every change of resolution.
 */
export type Convention = 'plain' | 'udp';

/** The length of `cells` cells, in units of one. */
export function extent(cells: number, convention: Convention): number {
  return convention === 'udp' ? cells - 1 : cells;
}

/** [y, x]: input pixels to one cell of a raster of `cells` that covers an input of `input`. */
export function pixelsPerCell(input: Size, cells: Size, convention: Convention): readonly [number, number] {
  const along = (axis: 0 | 1) => extent(input[axis], convention) / extent(cells[axis], convention);
  return [along(0), along(1)];
}
