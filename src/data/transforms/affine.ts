/** @file The one geometry of training, evaluation and prediction: image pixels <-> input pixels <-> heatmap cells. */
import type {CropRegion} from '../types.js';

/** The matrix [[a, b, c], [d, e, f]] as six numbers: (x, y) goes to (a x + b y + c, d x + e y + f). */
export type Affine = readonly [number, number, number, number, number, number];

/**
 * From the image to a raster of `output` [height, width] cells that shows the region: HRNet's `get_affine_transform`
 * in closed form. The region's width sets the scale, its centre lands on (width / 2, height / 2).
 *
 * With `flipped` the raster is mirrored about that centre: the same as HRNet's mirroring of the whole image first,
 * where the centre becomes W − 1 − x and the rotation changes its sign; the image's width W cancels out.
 */
export function regionToRaster(
  {center: [x, y], size, rotation}: CropRegion,
  [height, width]: readonly [number, number],
  flipped = false,
): Affine {
  const scale = width / size[0];
  const angle = (rotation * Math.PI) / 180;
  const cosine = scale * Math.cos(angle);
  const sine = scale * Math.sin(angle);
  const mirror = flipped ? -1 : 1;
  const [a, b, d, e] = [mirror * cosine, mirror * sine, -sine, cosine];
  return [a, b, width / 2 - a * x - b * y, d, e, height / 2 - d * x - e * y];
}

export function invertAffine([a, b, c, d, e, f]: Affine): Affine {
  const determinant = a * e - b * d;
  const [ia, ib, id, ie] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  return [ia, ib, -ia * c - ib * f, id, ie, -id * c - ie * f];
}

export function applyAffine([a, b, c, d, e, f]: Affine, x: number, y: number): [number, number] {
  return [a * x + b * y + c, d * x + e * y + f];
}

/**
 * Heatmap coordinates of a batch to pixels of the original images (HRNet's `transform_preds`).
 * @param cells [batch × keypoints × 2] in heatmap cells
 * @param regions one for each sample of the batch
 * @param heatmap [height, width] of the heatmaps
 * @returns [batch × keypoints × 2] in pixels
 */
export function cellsToImage(
  cells: ArrayLike<number>,
  regions: readonly CropRegion[],
  heatmap: readonly [number, number],
): Float64Array {
  const points = new Float64Array(cells.length);
  const perSample = cells.length / regions.length;
  regions.forEach((region, sample) => {
    const toImage = invertAffine(regionToRaster(region, heatmap));
    for (let i = sample * perSample; i < (sample + 1) * perSample; i += 2) {
      points.set(applyAffine(toImage, cells[i], cells[i + 1]), i);
    }
  });
  return points;
}
