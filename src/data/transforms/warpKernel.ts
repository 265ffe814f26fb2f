/** @file Bilinear sampling along a line, in WebAssembly with SIMD: several times as fast as in JavaScript. */
import {constant, get, i16x8, i32, i32x4, instantiate, loop, set, tee, v128} from './wasm.js';

/** Locals of `sampleRow`: its parameters, then three of its own. */
const [IMAGE, STRIDE, X, Y, STEP_X, STEP_Y, OUTPUT, END, AT, FX, FY] = Array.from({length: 11}, (_, i) => i);

/** The fraction of a position with 16 binary places, rounded to 8. */
const fraction = (position: number) => [get(position), constant(8), i32.shr, constant(255), i32.and].flat();
const whole = (position: number) => [get(position), constant(16), i32.shr].flat();
/** 256 − fraction in the low half of each lane, the fraction in the high half: weights of neighbours in pairs. */
const weightPairs = (part: number) =>
  [constant(256), get(part), i32.sub, get(part), constant(16), i32.shl, i32.or, i32x4.splat].flat();
/** Two neighbouring RGB pixels, as 16-bit pairs of the same channel. */
const channelPairs = [
  v128.constant(new Uint8Array(16)),
  v128.shuffle([0, 16, 3, 16, 1, 16, 4, 16, 2, 16, 5, 16, 16, 16, 16, 16]),
].flat();
const horizontal = [...channelPairs, ...weightPairs(FX), ...i32x4.dot];
const advance = (local: number, by: number) => [get(local), get(by), i32.add, set(local)].flat();

/**
 * Bilinear samples along a line, rounded: pixels of three bytes from OUTPUT to END, one after another. X and Y have 16
 * binary places. Reads two bytes beyond the pixels, writes one.
 */
const sampleRow = {
  parameters: 8,
  locals: 3,
  code: [
    loop(
      ...[fraction(X), set(FX), fraction(Y), set(FY)],
      ...[
        get(IMAGE),
        whole(Y),
        get(STRIDE),
        i32.mul,
        i32.add,
        whole(X),
        constant(3),
        i32.mul,
        i32.add,
        set(AT),
      ],
      get(OUTPUT),
      ...[get(AT), v128.load64(), horizontal, constant(256), get(FY), i32.sub, i32x4.splat, i32x4.mul],
      ...[get(AT), get(STRIDE), i32.add, v128.load64(), horizontal, get(FY), i32x4.splat, i32x4.mul],
      ...[i32x4.add, constant(32768), i32x4.splat, i32x4.add, constant(16), i32x4.shr],
      ...[v128.constant(new Uint8Array(16)), i32x4.toI16, v128.constant(new Uint8Array(16)), i16x8.toI8],
      ...[i32x4.first, i32.store],
      ...[advance(X, STEP_X), advance(Y, STEP_Y)],
      ...[get(OUTPUT), constant(3), i32.add, tee(OUTPUT), get(END), i32.sub],
    ),
  ],
};

interface WarpKernel {
  /** Positions and lengths in bytes of the kernel's memory; `x`, `y` and their steps with 16 binary places. */
  sampleRow(
    image: number,
    stride: number,
    x: number,
    y: number,
    stepX: number,
    stepY: number,
    output: number,
    end: number,
  ): void;
}

/** `sampleRow` in JavaScript: the same integers, hence the same levels. */
export const plainWarp = (memory: () => ArrayBuffer): WarpKernel => ({
  sampleRow(image, stride, x, y, stepX, stepY, output, end) {
    const bytes = new Uint8Array(memory());
    for (let at = output; at < end; at += 3) {
      const i = image + (y >> 16) * stride + (x >> 16) * 3;
      const [fx, fy] = [(x >> 8) & 255, (y >> 8) & 255];
      for (let channel = 0; channel < 3; channel++) {
        const j = i + channel;
        const upper = (256 - fx) * bytes[j] + fx * bytes[j + 3];
        const lower = (256 - fx) * bytes[j + stride] + fx * bytes[j + stride + 3];
        bytes[at + channel] = ((256 - fy) * upper + fy * lower + 32768) >> 16;
      }
      x += stepX;
      y += stepY;
    }
  },
});

export const warpKernel = instantiate<WarpKernel>({sampleRow}, plainWarp);
