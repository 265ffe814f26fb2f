/** @file Decodes the images of a dataset as training would, and compares their sizes with those that are stated. */
import {availableParallelism} from 'node:os';
import {UserError} from '../../errors.js';
import {decodeImage} from '../loader/decode.js';
import type {Findings} from './rules.js';
import type {StoredImage} from './splitImages.js';

/**
 * Adds a finding for every image that cannot be decoded or has another size; as many at once as there are cores.
 * @param onProgress called after each image
 */
export async function checkImages(
  images: readonly StoredImage[],
  findings: Findings,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<void> {
  const faults: (() => void)[] = [];
  const queue = images.entries();
  let done = 0;
  const work = async () => {
    for (const [i, image] of queue) {
      const fault = await imageFault(image);
      if (fault) faults[i] = () => findings.add(fault.rule, image.name, fault.detail);
      onProgress(++done, images.length);
    }
  };
  await Promise.all(Array.from({length: availableParallelism()}, work));
  // In the order of the file, whichever image was done first.
  for (const add of faults) add?.();
}

async function imageFault({file, size}: StoredImage) {
  try {
    const {width, height} = await decodeImage(file);
    if (size === null || (width === size[0] && height === size[1])) return null;
    return {rule: 'imageSize', detail: `it is ${width}x${height}, not ${size[0]}x${size[1]}`} as const;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return {rule: 'imageUndecodable', detail: error.message.replace(`${file}: `, '')} as const;
  }
}
