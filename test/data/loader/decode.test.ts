/** @file Decoding: every colour type to the same RGB, stored orientation, and files that are refused. */
import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import sharp, {type Sharp} from 'sharp';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {decodeImage} from '../../../src/data/loader/decode.js';
import {UserError} from '../../../src/errors.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'decode-'));
});
afterAll(() => rm(folder, {recursive: true}));

const plain = (width = 8, height = 6) =>
  sharp({create: {width, height, channels: 3, background: {r: 200, g: 100, b: 50}}});

async function decodeBytes(bytes: Uint8Array, name = 'image', size?: [number, number]) {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return decodeImage(file, size);
}

/** A JPEG that compresses badly, so that a cut falls among its pixels. */
async function noisyJpeg(): Promise<Buffer> {
  const pixels = Uint8Array.from({length: 64 * 64 * 3}, (_, i) => (i * 7919) % 251);
  return sharp(pixels, {raw: {width: 64, height: 64, channels: 3}})
    .jpeg({quality: 95})
    .toBuffer();
}

describe('colour types', () => {
  it.each<[string, () => Promise<Buffer>, [number, number, number], number]>([
    ['JPEG', () => plain().jpeg({quality: 100}).toBuffer(), [200, 100, 50], 1],
    ['PNG', () => plain().png().toBuffer(), [200, 100, 50], 0],
    ['WebP', () => plain().webp({lossless: true}).toBuffer(), [200, 100, 50], 0],
    ['GIF', () => plain().gif().toBuffer(), [200, 100, 50], 0],
    ['palette', () => plain().png({palette: true}).toBuffer(), [200, 100, 50], 0],
    ['transparent', () => plain().ensureAlpha(0.5).png().toBuffer(), [200, 100, 50], 0],
    ['16-bit', () => plain().toColourspace('rgb16').png().toBuffer(), [200, 100, 50], 1],
    ['CMYK', () => plain().toColourspace('cmyk').jpeg({quality: 100}).toBuffer(), [200, 100, 50], 40],
    [
      'another profile, which is ignored',
      () => plain().withIccProfile('p3').png().toBuffer(),
      [187, 106, 63],
      2,
    ],
  ])('%s becomes three channels of eight bits', async (_, make, expected, tolerance) => {
    const {data, width, height} = await decodeBytes(await make());
    expect([width, height, data.length]).toEqual([8, 6, 8 * 6 * 3]);
    for (const [i, value] of data.entries())
      expect(Math.abs(value - expected[i % 3])).toBeLessThanOrEqual(tolerance);
  });

  it.each([
    ['grey', (image: Sharp) => image],
    ['grey and transparent', (image: Sharp) => image.ensureAlpha(0.5)],
    ['16-bit grey', (image: Sharp) => image.toColourspace('grey16')],
  ])('%s becomes three equal channels', async (_, change) => {
    const {data} = await decodeBytes(await change(plain().greyscale()).png().toBuffer());
    expect(data.length).toBe(8 * 6 * 3);
    expect(data.every((value) => value === data[0])).toBe(true);
  });
});

describe('sizes', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'are those of the stored pixels with EXIF orientation %i',
    async (orientation) => {
      const bytes = await plain(8, 6).withMetadata({orientation}).jpeg().toBuffer();
      const {width, height} = await decodeBytes(bytes, 'turned.jpg', [8, 6]);
      expect([width, height]).toEqual([8, 6]);
    },
  );

  it.each([
    [1, 1],
    [1, 3000],
  ])('may be %i by %i', async (width, height) => {
    const image = await decodeBytes(await plain(width, height).png().toBuffer());
    expect([image.width, image.height, image.data.length]).toEqual([width, height, 3 * width * height]);
  });

  it('must be those of the annotations', async () => {
    const bytes = await plain(8, 6).png().toBuffer();
    await expect(decodeBytes(bytes, 'resized.png', [16, 12])).rejects.toThrow(
      /resized\.png: the image is 8x6, but its annotations are for 16x12/,
    );
  });
});

describe('files that are refused', () => {
  /** A PNG whose header claims 30000 x 30000 pixels. */
  async function bomb(): Promise<Buffer> {
    const bytes = await plain().png().toBuffer();
    bytes.writeUInt32BE(30000, 16);
    bytes.writeUInt32BE(30000, 20);
    return bytes;
  }

  it.each<[string, () => Promise<Buffer>]>([
    ['empty', async () => Buffer.alloc(0)],
    ['HTML', async () => Buffer.from('<html><body>404</body></html>')],
    ['cut in the middle', async () => noisyJpeg().then((bytes) => bytes.subarray(0, bytes.length / 2))],
    ['without its last bytes', async () => noisyJpeg().then((bytes) => bytes.subarray(0, bytes.length - 20))],
    [
      'corrupt',
      async () => noisyJpeg().then((bytes) => bytes.fill(0xff, bytes.length / 2, bytes.length / 2 + 40)),
    ],
    ['a header bomb', bomb],
  ])('%s: a data error that names the file and says what to do', async (name, make) => {
    const bytes = await make();
    const error = await decodeBytes(bytes, `${name}.jpg`).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exitCode).toBe(3);
    expect((error as UserError).message).toContain(join(folder, `${name}.jpg`));
    expect((error as UserError).message).toMatch(/Download it again, or remove it/);
    expect(await readFile(join(folder, `${name}.jpg`))).toEqual(Buffer.from(bytes));
  });

  it.each([
    ['missing', 'nowhere.jpg'],
    ['a folder', 'folder.jpg'],
  ])('%s', async (_, name) => {
    await mkdir(join(folder, 'folder.jpg'), {recursive: true});
    await expect(decodeImage(join(folder, name))).rejects.toThrow(
      `${join(folder, name)}: the image cannot be read`,
    );
  });

  it('but not for spaces and letters of any script in the name', async () => {
    expect((await decodeBytes(await plain().png().toBuffer(), 'ein Bild – 写真.png')).width).toBe(8);
  });
});
