/** @file Image files to RGB pixels. */
import sharp, {type Sharp} from 'sharp';
import {UserError} from '../../errors.js';
import {readImageBytes} from '../images/imageBytes.js';
import type {Affine} from '../transforms/affine.js';
import type {RgbImage} from '../transforms/warp.js';
import {neededPart, toPart} from './imagePart.js';
import {readJpegSize} from './jpegSize.js';

// Each image is seen once, and there are several loaders: threads within libvips and its cache would only cost.
sharp.concurrency(1);
sharp.cache(false);

type Size = readonly [width: number, height: number];

/** The content of an image file. */
export interface ImageBytes {
  readonly file: string;
  readonly bytes: Buffer;
  /** Width and height that the annotations state. */
  readonly size?: Size;
}

/** What a sample shows of its image. */
export interface Excerpt {
  /** From pixels of the sample to pixels of the image. */
  readonly toImage: Affine;
  /** [height, width] of the sample. */
  readonly raster: readonly [number, number];
}

/**
 * Decodes an image of any format and colour type that libvips knows to 8-bit RGB. Like OpenCV and hence HRNet, it
 * ignores the EXIF orientation (annotations refer to the pixels as stored), embedded colour profiles and transparency.
 * @param size width and height that the annotations state
 * @throws UserError naming the file if it cannot be read, is damaged or cut short, or has another size
 */
export async function decodeImage(file: string, size?: Size): Promise<RgbImage> {
  return decodeBytes({file, bytes: await readImageBytes(file), size});
}

/** As `decodeImage`, from a file's content. */
export async function decodeBytes(source: ImageBytes): Promise<RgbImage> {
  const image = await pixels(source, (whole) => whole);
  checkSize(source, [image.width, image.height]);
  return image;
}

/**
 * Decodes what a sample shows of a JPEG, and all of any other image. A JPEG's rows below that are not looked at, so
 * damage there goes unnoticed (a file that was cut short does not).
 * @returns the pixels, and the way to them from pixels of the sample
 * @throws UserError as `decodeImage`
 */
export async function decodeExcerpt(
  source: ImageBytes,
  {toImage, raster}: Excerpt,
): Promise<{image: RgbImage; toImage: Affine}> {
  const size = readJpegSize(source.bytes);
  if (!size) return {image: await decodeBytes(source), toImage};
  checkSize(source, size);
  const part = neededPart(toImage, raster, size);
  const image = await pixels(source, (whole) => whole.extract({...part}));
  return {image, toImage: toPart(toImage, part)};
}

/** Fails on any warning of the decoder, lest half an image be trained on. */
async function pixels({bytes, file}: ImageBytes, choose: (whole: Sharp) => Sharp): Promise<RgbImage> {
  try {
    const {data, info} = await choose(sharp(bytes, {ignoreIcc: true, failOn: 'warning'}))
      .toColourspace('srgb')
      .removeAlpha()
      .raw({depth: 'uchar'})
      .toBuffer({resolveWithObject: true});
    return {data, width: info.width, height: info.height};
  } catch (error) {
    const reason = (error as Error).message.trim().split('\n')[0];
    throw new UserError(
      'data',
      `${file}: the image is damaged or of an unknown format (${reason}). ` +
        'Download it again, or remove it and set dataset.onMissing=skip.',
      {cause: error},
    );
  }
}

function checkSize({file, size: stated}: ImageBytes, [width, height]: Size): void {
  if (!stated || (width === stated[0] && height === stated[1])) return;
  throw new UserError(
    'data',
    `${file}: the image is ${width}x${height}, but its annotations are for ${stated[0]}x${stated[1]}. ` +
      'Use the image that was annotated, or correct width and height in the annotation file.',
  );
}
