/** @file Image files to RGB pixels. */
import sharp from 'sharp';
import {UserError} from '../../errors.js';
import {readImageBytes} from '../images/imageBytes.js';
import type {RgbImage} from '../transforms/warp.js';

// Each image is seen once, and there are several loaders: threads within libvips and its cache would only cost.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Decodes an image of any format and colour type that libvips knows to 8-bit RGB. Like OpenCV and hence HRNet, it
 * ignores the EXIF orientation (annotations refer to the pixels as stored), embedded colour profiles and transparency.
 * @param size width and height that the annotations state
 * @throws UserError naming the file if it cannot be read, is damaged or cut short, or has another size
 */
export async function decodeImage(file: string, size?: readonly [number, number]): Promise<RgbImage> {
  const bytes = await readImageBytes(file);
  const {data, info} = await decode(bytes).catch((error: Error) => {
    const reason = error.message.trim().split('\n')[0];
    const fix = 'Download it again, or remove it and set dataset.onMissing=skip.';
    throw new UserError('data', `${file}: the image is damaged or of an unknown format (${reason}). ${fix}`, {
      cause: error,
    });
  });
  const {width, height} = info;
  if (size && (width !== size[0] || height !== size[1])) {
    throw new UserError(
      'data',
      `${file}: the image is ${width}x${height}, but its annotations are for ${size[0]}x${size[1]}. ` +
        'Use the image that was annotated, or correct width and height in the annotation file.',
    );
  }
  return {data, width, height};
}

/** Fails on any warning of the decoder, lest half an image be trained on. Rejects where sharp throws at once. */
async function decode(bytes: Uint8Array) {
  return sharp(bytes, {ignoreIcc: true, failOn: 'warning'})
    .toColourspace('srgb')
    .removeAlpha()
    .raw({depth: 'uchar'})
    .toBuffer({resolveWithObject: true});
}
