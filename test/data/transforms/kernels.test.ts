/** @file The kernels in WebAssembly against the same functions in JavaScript: not a bit may differ. */
import fc from 'fast-check';
import {expect, it} from 'vitest';
import {normaliseKernel, plainNormalise} from '../../../src/data/transforms/normalise.js';
import {plainWarp, warpKernel} from '../../../src/data/transforms/warpKernel.js';
import {plainKernel} from '../../../src/data/transforms/wasm.js';
import {stream} from '../../../src/random.js';

const [WIDTH, HEIGHT] = [40, 30];
const IMAGE = 3 * WIDTH * HEIGHT;
const random = stream(1, 'kernels');
const noise = Uint8Array.from({length: IMAGE}, () => random.integer(256));

/** The first bytes of a kernel's memory after `use`, which found noise in it. */
function after<T>(
  {run, reserve}: {run: T; reserve: (bytes: number) => ArrayBuffer},
  bytes: number,
  use: (run: T) => void,
): Uint8Array {
  const memory = reserve(bytes);
  new Uint8Array(memory).set(noise);
  use(run);
  return new Uint8Array(memory, 0, bytes).slice(IMAGE);
}

it('samples rows alike', () => {
  const plain = plainKernel(plainWarp);
  const inside = (length: number) => fc.integer({min: 0, max: 65536 * (length - 1) - 1});
  const columns = 17;
  fc.assert(
    fc.property(inside(WIDTH), inside(WIDTH), inside(HEIGHT), inside(HEIGHT), (x, toX, y, toY) => {
      const step = (from: number, to: number) => Math.trunc((to - from) / columns);
      const sample = (run: ReturnType<typeof plainWarp>) =>
        run.sampleRow(0, 3 * WIDTH, x, y, step(x, toX), step(y, toY), IMAGE, IMAGE + 3 * columns);
      const bytes = IMAGE + 3 * columns;
      expect(after(warpKernel, bytes, sample)).toEqual(after(plain, bytes, sample));
    }),
  );
});

it('turns levels into numbers alike', () => {
  const convert = (run: ReturnType<typeof plainNormalise>) => run.toNumbers(0, IMAGE, IMAGE);
  const bytes = 5 * IMAGE;
  expect(after(normaliseKernel, bytes, convert)).toEqual(after(plainKernel(plainNormalise), bytes, convert));
});

it('are those of WebAssembly here', () => {
  for (const run of [warpKernel.run.sampleRow, normaliseKernel.run.toNumbers]) {
    expect(String(run)).toContain('[native code]');
  }
});
