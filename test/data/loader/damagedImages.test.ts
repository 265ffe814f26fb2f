/**
 * @file Every kind of image file that a dataset may hold, by both ways of decoding: three channels of eight bits in the
 * stated size, or a reject that names the file and the reason; the file stays as it is.
 */
import {createHash} from 'node:crypto';
import {chmod, mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import sharp, {type Sharp} from 'sharp';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {readImageBytes} from '../../../src/data/images/imageBytes.js';
import {decodeBytes, decodeExcerpt, decodeImage} from '../../../src/data/loader/decode.js';
import type {RgbImage} from '../../../src/data/transforms/warp.js';
import {UserError} from '../../../src/errors.js';

const [WIDTH, HEIGHT] = [80, 60];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'damaged-'));
});
afterAll(() => rm(folder, {recursive: true}));

/** An image that compresses badly, so that damage falls among its pixels. */
function picture(width = WIDTH, height = HEIGHT): Sharp {
  const data = Uint8Array.from({length: width * height * 3}, (_, i) => (i * 7919) % 251);
  return sharp(data, {raw: {width, height, channels: 3}});
}
const jpeg = () => picture().jpeg({quality: 95}).toBuffer();

function edited(bytes: Buffer, edit: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  edit(copy);
  return copy;
}

/** Every 97th bit of the last quarter turned over. */
function flipBits(bytes: Buffer): void {
  for (let bit = 6 * bytes.length; bit < 8 * (bytes.length - 2); bit += 97) bytes[bit >> 3] ^= 1 << (bit & 7);
}

/** A header that claims 30000 x 30000 pixels. */
async function pngBomb(): Promise<Buffer> {
  return edited(await picture().png().toBuffer(), (bytes) => {
    bytes.writeUInt32BE(30000, 16);
    bytes.writeUInt32BE(30000, 20);
  });
}
async function jpegBomb(): Promise<Buffer> {
  return edited(await jpeg(), (bytes) => {
    const frame = bytes.indexOf(Buffer.of(0xff, 0xc0));
    bytes.writeUInt16BE(30000, frame + 5);
    bytes.writeUInt16BE(30000, frame + 7);
  });
}

/** Two frames of an animation. */
async function animation(): Promise<Buffer> {
  const frame = await picture().png().toBuffer();
  return sharp([frame, frame], {join: {animated: true}})
    .gif()
    .toBuffer();
}

type Size = [number, number];
const STATED: Size = [WIDTH, HEIGHT];
const DAMAGED = /the image is damaged or of an unknown format \(.+\)\. Download it again/;
const UNREADABLE = /the image cannot be read \(E/;
const TOO_LARGE = /pixel limit|the image is 30000x30000, but its annotations are for 80x60/;
const OTHER_SIZE = /the image is .+x.+, but its annotations are for 80x60/;

/** What becomes of the file: pixels of some size, or a reject. */
type Row = [name: string, bytes: () => Promise<Buffer>, outcome: Size | RegExp];
const orientations = [1, 2, 3, 4, 5, 6, 7, 8].map(
  (orientation): Row => [
    `EXIF orientation ${orientation}, which is ignored.jpg`,
    () => picture().withMetadata({orientation}).jpeg().toBuffer(),
    STATED,
  ],
);
const ROWS: Row[] = [
  ['good.jpg', jpeg, STATED],
  ['progressive.jpg', () => picture().jpeg({progressive: true}).toBuffer(), STATED],
  ['zero bytes.jpg', async () => Buffer.alloc(0), DAMAGED],
  ['HTML.jpg', async () => Buffer.from('<!doctype html><title>404</title>'), DAMAGED],
  ['truncated at half.jpg', async () => jpeg().then((bytes) => bytes.subarray(0, bytes.length / 2)), DAMAGED],
  [
    'truncated but with an end.jpg',
    async () =>
      jpeg().then((bytes) => Buffer.concat([bytes.subarray(0, bytes.length / 2), Buffer.of(0xff, 0xd9)])),
    DAMAGED,
  ],
  ['without its end.jpg', async () => jpeg().then((bytes) => bytes.subarray(0, -2)), DAMAGED],
  [
    'all its pixels but zeros for its end.jpg',
    async () => edited(await jpeg(), (bytes) => bytes.writeUInt16BE(0, bytes.length - 2)),
    STATED,
  ],
  ['bits flipped.jpg', async () => edited(await jpeg(), flipBits), DAMAGED],
  ['bits flipped.png', async () => edited(await picture().png().toBuffer(), flipBits), DAMAGED],
  ['grey.jpg', () => picture().greyscale().jpeg().toBuffer(), STATED],
  ['grey.png', () => picture().greyscale().png().toBuffer(), STATED],
  ['CMYK.jpg', () => picture().toColourspace('cmyk').jpeg().toBuffer(), STATED],
  ['16 bits.png', () => picture().toColourspace('rgb16').png().toBuffer(), STATED],
  ['16 bits grey.png', () => picture().toColourspace('grey16').png().toBuffer(), STATED],
  ['alpha.png', () => picture().ensureAlpha(0.5).png().toBuffer(), STATED],
  ['palette.png', () => picture().png({palette: true}).toBuffer(), STATED],
  ['animated, of which the first frame counts.gif', animation, STATED],
  ['ICC profile, which is ignored.jpg', () => picture().withIccProfile('p3').jpeg().toBuffer(), STATED],
  ['webp.webp', () => picture().webp().toBuffer(), STATED],
  ...orientations,
  ['1x1.png', () => picture(1, 1).png().toBuffer(), [1, 1]],
  ['1x1.jpg', () => picture(1, 1).jpeg().toBuffer(), [1, 1]],
  ['1x60000.png', () => picture(1, 60000).png().toBuffer(), [1, 60000]],
  ['1x60000.jpg', () => picture(1, 60000).jpeg().toBuffer(), [1, 60000]],
  ['30000x30000 in the header only.png', pngBomb, DAMAGED],
  ['30000x30000 in the header only.jpg', jpegBomb, TOO_LARGE],
  [
    'of another size than stated.jpg',
    () =>
      picture(WIDTH, 2 * HEIGHT)
        .jpeg()
        .toBuffer(),
    OTHER_SIZE,
  ],
  ['写真 – ein Bild, with spaces & signs #1.jpg', jpeg, STATED],
];

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** All of the image, and an excerpt that shows all of it. */
const WAYS: [string, (file: string, size: Size) => Promise<RgbImage>][] = [
  ['as a whole', decodeImage],
  [
    'as an excerpt',
    async (file, size) => {
      const source = {file, bytes: await readImageBytes(file), size};
      const raster: Size = [size[1], size[0]];
      const excerpt = {toImage: [1, 0, 0, 0, 1, 0], raster} as const;
      return (await decodeExcerpt(source, excerpt)).image;
    },
  ],
];

describe.each(WAYS)('an image that is decoded %s', (way, decode) => {
  it.each(ROWS)('%s', async (name, make, outcome) => {
    const bytes = await make();
    const file = join(folder, `${way} ${name}`);
    await writeFile(file, bytes);
    const result = await decode(file, outcome instanceof RegExp ? STATED : outcome).catch(
      (error: unknown) => error,
    );
    if (outcome instanceof RegExp) {
      expect(result).toBeInstanceOf(UserError);
      expect(result).toMatchObject({kind: 'data', message: expect.stringMatching(outcome)});
      expect((result as UserError).message).toContain(file);
    } else {
      const {data, width, height} = result as RgbImage;
      expect([width, height, data.length]).toEqual([...outcome, 3 * outcome[0] * outcome[1]]);
      expect(data).toBeInstanceOf(Uint8Array);
    }
    expect(digest(await readFile(file))).toBe(digest(bytes));
  });

  it('without a stated size refuses a bomb by its number of pixels', async () => {
    const bomb = {file: 'bomb.jpg', bytes: await jpegBomb()};
    const excerpt = {toImage: [1, 0, 0, 0, 1, 0], raster: [60, 80]} as const;
    await expect(decodeBytes(bomb)).rejects.toThrow(DAMAGED);
    await expect(decodeExcerpt(bomb, excerpt)).rejects.toThrow(DAMAGED);
  });

  it('that is missing, or a folder', async () => {
    await mkdir(join(folder, 'folder.jpg'), {recursive: true});
    for (const name of ['nowhere.jpg', 'folder.jpg']) {
      const error = await decode(join(folder, name), STATED).catch((caught: unknown) => caught);
      expect(error).toMatchObject({kind: 'data', message: expect.stringMatching(UNREADABLE)});
      expect((error as UserError).message).toContain(join(folder, name));
    }
  });

  it.skipIf(process.getuid?.() === 0)('without permission (root may read anything)', async () => {
    const file = join(folder, `${way} locked.jpg`);
    await writeFile(file, await jpeg());
    await chmod(file, 0o000);
    await expect(decode(file, STATED)).rejects.toThrow(UNREADABLE);
  });
});

describe('an excerpt', () => {
  const source = async () => ({file: 'good.jpg', bytes: await picture(200, 150).jpeg().toBuffer()});

  it.each([
    ['in the middle', [1, 0, 60, 0, 1, 40]],
    ['at the upper left border', [1, 0, -10, 0, 1, -10]],
    ['at the lower right border', [1, 0, 180, 0, 1, 130]],
    ['turned', [0.8, 0.6, 60, -0.6, 0.8, 90]],
  ] as const)('%s shows the very pixels of the whole image', async (_, toImage) => {
    const bytes = await source();
    const whole = await decodeBytes(bytes);
    const raster = [32, 24] as const;
    const excerpt = await decodeExcerpt(bytes, {toImage, raster});
    const [left, top] = [toImage[2] - excerpt.toImage[2], toImage[5] - excerpt.toImage[5]];
    expect(excerpt.image.width).toBeLessThan(whole.width);
    for (let y = 0; y < excerpt.image.height; y++) {
      const from = 3 * ((y + top) * whole.width + left);
      const row = excerpt.image.data.subarray(3 * y * excerpt.image.width, 3 * (y + 1) * excerpt.image.width);
      expect(row).toEqual(whole.data.subarray(from, from + 3 * excerpt.image.width));
    }
  });

  it('out of sight is a single pixel', async () => {
    const toImage = [1, 0, 900, 0, 1, 900] as const;
    const {image} = await decodeExcerpt(await source(), {toImage, raster: [32, 24]});
    expect([image.width, image.height]).toEqual([1, 1]);
  });
});
