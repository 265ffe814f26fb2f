/** @file Grey levels to the network's numbers, and back: ImageNet's mean and deviation, as every published backbone. */

import {constant, f32x4, get, i16x8, i32, i32x4, instantiate, loop, set, tee, v128} from './wasm.js';

/** Of RGB in [0, 1]. */
const MEAN = [0.485, 0.456, 0.406] as const;
const STANDARD_DEVIATION = [0.229, 0.224, 0.225] as const;

const GAIN = STANDARD_DEVIATION.map((deviation) => 1 / (255 * deviation));
const BIAS = MEAN.map((mean, channel) => -mean / STANDARD_DEVIATION[channel]);

/** Locals of `toNumbers`. */
const [PIXELS, LAST, NUMBERS] = [0, 1, 2];

/** The numbers of four levels: the first, second or third such part of four pixels. */
function fourNumbers(part: number): number[] {
  const lanes = (values: readonly number[]) =>
    new Uint8Array(Float32Array.from({length: 4}, (_, i) => values[(4 * part + i) % 3]).buffer);
  return [
    ...[get(NUMBERS), get(PIXELS), v128.load32(4 * part), i16x8.ofI8, i32x4.ofI16, f32x4.ofI32],
    ...[v128.constant(lanes(GAIN)), f32x4.mul, v128.constant(lanes(BIAS)), f32x4.add, v128.store(16 * part)],
  ].flat();
}

/** Four pixels at a time, from PIXELS to LAST. */
const toNumbers = {
  parameters: 3,
  locals: 0,
  code: [
    loop(
      ...[0, 1, 2].map(fourNumbers),
      ...[get(NUMBERS), constant(48), i32.add, set(NUMBERS)],
      ...[get(PIXELS), constant(12), i32.add, tee(PIXELS), get(LAST), i32.sub],
    ),
  ],
};

interface NormaliseKernel {
  /** Positions in bytes of the kernel's memory. */
  toNumbers(pixels: number, last: number, numbers: number): void;
}

/** `toNumbers` in JavaScript: the same roundings, hence the same numbers. */
export const plainNormalise = (memory: () => ArrayBuffer): NormaliseKernel => {
  const [gain, bias] = [Float32Array.from(GAIN), Float32Array.from(BIAS)];
  return {
    toNumbers(pixels, last, numbers) {
      const levels = new Uint8Array(memory(), pixels, last - pixels);
      const output = new Float32Array(memory(), numbers, levels.length);
      for (let i = 0; i < levels.length; i++) output[i] = Math.fround(levels[i] * gain[i % 3]) + bias[i % 3];
    },
  };
};

export const normaliseKernel = instantiate<NormaliseKernel>({toNumbers}, plainNormalise);

/**
 * (level / 255 − mean) / deviation of each channel.
 * @param pixels interleaved RGB
 * @param output gets as many numbers from `offset` on
 */
export function normalise(pixels: Uint8Array, output: Float32Array, offset = 0): void {
  const numbers = 48 * Math.ceil(pixels.length / 48);
  const memory = normaliseKernel.reserve(numbers + 4 * pixels.length);
  new Uint8Array(memory, 0, pixels.length).set(pixels);
  normaliseKernel.run.toNumbers(0, 12 * Math.ceil(pixels.length / 12), numbers);
  output.set(new Float32Array(memory, numbers, pixels.length), offset);
}

/** The 8-bit RGB pixels behind a normalised input [height, width, 3], for people to look at. */
export function denormalised(input: Float32Array): Uint8Array {
  const pixels = new Uint8ClampedArray(input.length);
  for (let i = 0; i < input.length; i++) {
    pixels[i] = (input[i] * STANDARD_DEVIATION[i % 3] + MEAN[i % 3]) * 255;
  }
  return new Uint8Array(pixels.buffer);
}
