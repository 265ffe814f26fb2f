/**
 * @file The one geometry of training, evaluation and prediction: image pixels <-> input pixels. From there to heatmap cells
 * or bins it is the codec's, in the same convention.
 */
import {type Convention, extent, type Size} from '../../codecs/grid.js';
import type {CropRegion} from '../types.js';

/** The matrix [[a, b, c], [d, e, f]] as six numbers: (x, y) goes to (a x + b y + c, d x + e y + f). */
export type Affine = readonly [number, number, number, number, number, number];

/**
 * From the image to a raster of [height, width] cells that shows the region; its centre lands in the middle of the
 * raster's extent.
 *
 * plain: HRNet's `get_affine_transform` in closed form; the region's width sets the scale, the middle is
 * (width / 2, height / 2).
 * udp: Huang et al. 2020, Sect. 3.2 (`get_warp_matrix` of their code, which counts angles the other way round); the
 * region's sides become width − 1 and height − 1 cells long, the middle is ((width − 1) / 2, (height − 1) / 2).
 *
 * With `flipped` the raster is mirrored about that middle: the same as mirroring of the whole image first, as both
 * do, where the centre becomes W − 1 − x and the rotation changes its sign; the image's width W cancels out.
 */
export function regionToRaster(
  {center: [x, y], size, rotation}: CropRegion,
  raster: Size,
  convention: Convention,
  flipped = false,
): Affine {
  const [height, width] = [extent(raster[0], convention), extent(raster[1], convention)];
  const scaleX = width / size[0];
  const scaleY = convention === 'udp' ? height / size[1] : scaleX;
  const angle = (rotation * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const mirroredX = flipped ? -scaleX : scaleX;
  const [a, b, d, e] = [mirroredX * cosine, mirroredX * sine, -scaleY * sine, scaleY * cosine];
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
 * Keypoints of a batch in the network's input to pixels of the original images (HRNet's `transform_preds`).
 * @param inputPoints [batch × keypoints × 2]
 * @param regions one for each sample of the batch, none of them shown flipped
 * @param input [height, width]
 * @returns [batch × keypoints × 2]
 */
export function inputToImage(
  inputPoints: ArrayLike<number>,
  regions: readonly CropRegion[],
  input: Size,
  convention: Convention,
): Float64Array {
  const points = new Float64Array(inputPoints.length);
  const perSample = inputPoints.length / regions.length;
  regions.forEach((region, sample) => {
    const toImage = invertAffine(regionToRaster(region, input, convention));
    for (let i = sample * perSample; i < (sample + 1) * perSample; i += 2) {
      points.set(applyAffine(toImage, inputPoints[i], inputPoints[i + 1]), i);
    }
  });
  return points;
}
