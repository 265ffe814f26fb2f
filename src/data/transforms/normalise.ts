/** @file Grey levels to the network's numbers, and back: ImageNet's mean and deviation, as every published backbone. */

/** Of RGB in [0, 1]. */
const MEAN = [0.485, 0.456, 0.406] as const;
const STANDARD_DEVIATION = [0.229, 0.224, 0.225] as const;

/** The number of each of the 256 levels of a channel. */
const [RED, GREEN, BLUE] = MEAN.map((mean, channel) =>
  Float32Array.from({length: 256}, (_, level) => (level / 255 - mean) / STANDARD_DEVIATION[channel]),
);

/**
 * @param pixels interleaved RGB
 * @param output gets as many numbers from `offset` on
 */
export function normalise(pixels: Uint8Array, output: Float32Array, offset = 0): void {
  let at = offset;
  for (let i = 0; i < pixels.length; i += 3) {
    output[at++] = RED[pixels[i]];
    output[at++] = GREEN[pixels[i + 1]];
    output[at++] = BLUE[pixels[i + 2]];
  }
}

/** The 8-bit RGB pixels behind a normalised input [height, width, 3], for people to look at. */
export function denormalised(input: Float32Array): Uint8Array {
  const pixels = new Uint8ClampedArray(input.length);
  for (let i = 0; i < input.length; i++) {
    pixels[i] = (input[i] * STANDARD_DEVIATION[i % 3] + MEAN[i % 3]) * 255;
  }
  return new Uint8Array(pixels.buffer);
}
