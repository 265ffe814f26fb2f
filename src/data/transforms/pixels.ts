/** @file The random changes of a sample's pixels, in the order of MMPose's recipes. */
import type {AugmentConfig} from '../../config/schema.js';
import type {RandomStream} from '../../random.js';
import {boxBlur, drawKernel, medianBlur} from './blur.js';
import {drawHole, dropOut} from './coarseDropout.js';
import {distortColours, drawPhotometric} from './photometric.js';
import type {RgbImage} from './warp.js';

/**
 * Changes the pixels in place.
 * @param stream the random stream of a name; each change has one of its own, so that none depends on the others
 */
export function changePixels(
  sample: RgbImage,
  {photometric, blur, coarseDropout}: AugmentConfig,
  stream: (name: string) => RandomStream,
): void {
  if (photometric.probability > 0) {
    distortColours(sample, drawPhotometric(photometric, stream('photometric')));
  }
  if (blur.box > 0) {
    const side = drawKernel(blur.box, blur.maxKernel, stream('boxBlur'));
    if (side > 1) boxBlur(sample, side);
  }
  if (blur.median > 0) {
    const side = drawKernel(blur.median, blur.maxKernel, stream('medianBlur'));
    if (side > 1) medianBlur(sample, side);
  }
  if (coarseDropout.probability > 0) {
    const hole = drawHole(coarseDropout, [sample.height, sample.width], stream('coarseDropout'));
    if (hole) dropOut(sample, hole);
  }
}
