/** @file From the cell of a heatmap's maximum to the keypoint between the cells: a quarter offset, DARK, or UDP. */
import {type Channel, NOWHERE, type Offset} from './channel.js';
import {newtonStep, SmoothedPatch} from './smoothing.js';

/** How far from the maximum at (x, y) the keypoint lies, in cells. */
export type Refine = (channel: Channel, x: number, y: number) => Offset;

/**
 * A quarter of a cell towards the higher neighbour on each axis (Newell et al. 2016), but not within two cells of the left
 * or upper border or on the right or lower one, as in HRNet's code.
 */
export function quarterOffset({values, offset, step, width, height}: Channel, x: number, y: number): Offset {
  if (x <= 1 || x >= width - 1 || y <= 1 || y >= height - 1) return NOWHERE;
  const at = offset + (y * width + x) * step;
  const slope = (cells: number) => Math.sign(values[at + cells * step] - values[at - cells * step]);
  return [0.25 * slope(1), 0.25 * slope(width)];
}

/** Values below it have no logarithm worth the name. */
const DARK_RANGE = [1e-10, Number.POSITIVE_INFINITY] as const;

/**
 * DARK: a Taylor expansion to the second order of the smoothed map's logarithm, with differences over two cells (Zhang et
 * al. 2020, Eqs. 6–11). (0, 0) within two cells of a border, or where no maximum fits.
 * @param sigma of the targets, in cells
 */
export function darkOffset(sigma: number): Refine {
  const patch = new SmoothedPatch(sigma, 2, DARK_RANGE);
  return (channel, x, y) => {
    if (x <= 1 || x >= channel.width - 2 || y <= 1 || y >= channel.height - 2) return NOWHERE;
    if (!patch.smooth(channel, x, y)) return NOWHERE;
    const centre = 2 * patch.at(0, 0);
    return newtonStep(
      (patch.at(1, 0) - patch.at(-1, 0)) / 2,
      (patch.at(0, 1) - patch.at(0, -1)) / 2,
      (patch.at(2, 0) - centre + patch.at(-2, 0)) / 4,
      (patch.at(0, 2) - centre + patch.at(0, -2)) / 4,
      (patch.at(1, 1) - patch.at(1, -1) - patch.at(-1, 1) + patch.at(-1, -1)) / 4,
    );
  };
}

const UDP_RANGE = [1e-3, 50] as const;

/**
 * UDP's form of the same expansion, with differences between neighbouring cells, at borders too (Huang et al. 2020; the
 * mixed derivative from the two corners on the diagonal).
 * @param sigma of the targets, in cells
 */
export function udpOffset(sigma: number): Refine {
  const patch = new SmoothedPatch(sigma, 1, UDP_RANGE);
  return (channel, x, y) => {
    if (!patch.smooth(channel, x, y)) return NOWHERE;
    const centre = 2 * patch.at(0, 0);
    const [alongX, alongY] = [patch.at(1, 0) + patch.at(-1, 0), patch.at(0, 1) + patch.at(0, -1)];
    return newtonStep(
      (patch.at(1, 0) - patch.at(-1, 0)) / 2,
      (patch.at(0, 1) - patch.at(0, -1)) / 2,
      alongX - centre,
      alongY - centre,
      (patch.at(1, 1) + patch.at(-1, -1) - alongX - alongY + centre) / 2,
    );
  };
}
