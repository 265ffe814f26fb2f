import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import sharp from 'sharp';
import {beforeAll, describe, expect, it} from 'vitest';
import type {RgbImage} from '../../src/data/transforms/warp.js';
import {type DrawnPerson, drawPeople, type Skeleton, sidesOf} from '../../src/report/drawings.js';

const WIDTH = 400;
const HEIGHT = 300;
const gray: RgbImage = {
  data: new Uint8Array(WIDTH * HEIGHT * 3).fill(128),
  width: WIDTH,
  height: HEIGHT,
};
/** A nose and two hands; the left arm is red, the right one blue. */
const skeleton: Skeleton = {
  names: ['nose', 'left_hand', 'right_hand'],
  flipPairs: [[1, 2]],
  skeleton: [
    {ends: [0, 1], colour: '#ff0000'},
    {ends: [0, 2], colour: '#0000ff'},
  ],
  parts: {},
};
const arms: DrawnPerson = {keypoints: [200, 50, 2, 300, 250, 2, 100, 250, 2]};

interface Picture {
  readonly at: (x: number, y: number) => number[];
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

async function pixels(jpeg: Buffer): Promise<Picture> {
  const {data, info} = await sharp(jpeg).raw().toBuffer({resolveWithObject: true});
  const {width, height} = info;
  return {
    at: (x, y) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)],
    data,
    width,
    height,
  };
}

/** Whether a pixel differs from the gray ground by more than JPEG's noise. */
const isDrawn = (color: number[]) => color.some((channel) => Math.abs(channel - 128) > 40);

describe('a drawing of people', () => {
  let picture: Picture;
  beforeAll(async () => {
    picture = await pixels(await drawPeople(gray, [arms], skeleton));
  });

  it('has the size of the image', () => {
    expect([picture.width, picture.height]).toEqual([WIDTH, HEIGHT]);
  });

  it('puts a joint on each keypoint, and nothing far from the person', () => {
    for (const [x, y] of [
      [200, 50],
      [300, 250],
      [100, 250],
    ]) {
      expect(isDrawn(picture.at(x, y))).toBe(true);
    }
    for (const [x, y] of [
      [200, 250],
      [20, 20],
      [380, 150],
    ]) {
      expect(isDrawn(picture.at(x, y))).toBe(false);
    }
  });

  it('draws each limb in its colour', () => {
    const [red, , blueOfRed] = picture.at(250, 150);
    const [redOfBlue, , blue] = picture.at(150, 150);
    expect(red).toBeGreaterThan(blueOfRed + 80);
    expect(blue).toBeGreaterThan(redOfBlue + 80);
  });

  it('takes the colour of the person where there is one', async () => {
    const green = await pixels(await drawPeople(gray, [{...arms, color: '#00ff00'}], skeleton));
    const [r, g, b] = green.at(250, 150);
    expect(g).toBeGreaterThan(Math.max(r, b) + 80);
  });

  it('leaves out keypoints without a label, below the threshold, or not finite', async () => {
    for (const hidden of [
      [0, 0, 0],
      [300, 250, 0.1],
      [Number.NaN, 250, 1],
    ]) {
      const keypoints = [200, 50, 2, ...hidden, 100, 250, 2];
      const {at} = await pixels(await drawPeople(gray, [{keypoints}], skeleton));
      expect([isDrawn(at(300, 250)), isDrawn(at(250, 150)), isDrawn(at(0, 0))]).toEqual([
        false,
        false,
        false,
      ]);
      expect(isDrawn(at(100, 250))).toBe(true);
    }
  });

  it('keeps predictions above the truth, whatever the order', async () => {
    const both = [arms, {...arms, isTruth: true}];
    const {at} = await pixels(await drawPeople(gray, both, skeleton));
    const [red, , blue] = at(250, 150);
    expect(red).toBeGreaterThan(blue + 80);
  });

  it('draws the truth white', async () => {
    const {at} = await pixels(await drawPeople(gray, [{...arms, isTruth: true}], skeleton));
    expect(Math.min(...at(200, 50))).toBeGreaterThan(200);
  });

  it('draws thicker lines on a larger image of a person as large', async () => {
    const thickness = async (scale: number) => {
      const [width, height] = [WIDTH * scale, HEIGHT * scale];
      const image = {data: new Uint8Array(width * height * 3).fill(128), width, height};
      const keypoints = [200, 50, 2, 300, 250, 2, 100, 250, 2].map((v, i) => (i % 3 === 2 ? v : v * scale));
      const {at} = await pixels(await drawPeople(image, [{keypoints}], skeleton));
      return Array.from({length: width}, (_, x) => at(x, 150 * scale)).filter(isDrawn).length;
    };
    const [small, large] = [await thickness(1), await thickness(4)];
    expect(large).toBeGreaterThan(2.5 * small);
  });

  it('leaves an image without people as it is', async () => {
    const {data} = await pixels(await drawPeople(gray, [{keypoints: [0, 0, 0, 0, 0, 0, 0, 0, 0]}], skeleton));
    expect(data.every((channel) => Math.abs(channel - 128) <= 2)).toBe(true);
  });
});

describe('image files', () => {
  it('may be gray or have an alpha channel, and are named when they cannot be read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drawings-'));
    try {
      const file = join(folder, 'photo.png');
      const raw = {width: WIDTH, height: HEIGHT};
      for (const channels of [1, 2, 4] as const) {
        const data = new Uint8Array(WIDTH * HEIGHT * channels).fill(128);
        await sharp(data, {raw: {...raw, channels}})
          .png()
          .toFile(file);
        const {at} = await pixels(await drawPeople(file, [arms], skeleton));
        const [red, , blue] = at(250, 150);
        expect(red).toBeGreaterThan(blue + 80);
      }
      writeFileSync(file, 'not an image');
      await expect(drawPeople(file, [arms], skeleton)).rejects.toThrow(`${file}: the image is damaged`);
    } finally {
      rmSync(folder, {recursive: true});
    }
  });
});

describe('sides', () => {
  it('come from the names, or from the order in a pair', () => {
    const pairs: [number, number][] = [
      [1, 2],
      [4, 3],
    ];
    const names = ['nose', 'right_eye', 'left_eye', 'b', 'a'];
    expect(sidesOf({names, flipPairs: pairs})).toEqual(['center', 'right', 'left', 'right', 'left']);
  });
});

describe('a part of many keypoints close together', () => {
  const many = Array.from({length: 16}, (_, i) => [190 + 7 * (i % 4), 40 + 7 * Math.floor(i / 4), 2]);
  const ends = [
    [100, 280, 2],
    [300, 280, 2],
  ];
  const indices = many.map((_, i) => i);
  const faceAndFeet: Skeleton = {
    names: [...many, ...ends].map(String),
    flipPairs: [],
    skeleton: [],
    parts: {},
  };
  const person: DrawnPerson = {keypoints: [...many, ...ends].flat()};

  it('is drawn with small points that leave the picture between them to be seen', async () => {
    const plain = await pixels(await drawPeople(gray, [person], faceAndFeet));
    const parted = await pixels(await drawPeople(gray, [person], {...faceAndFeet, parts: {face: indices}}));
    const untouched = ({at}: Picture) => {
      const cells = Array.from({length: 21 * 21}, (_, i) => at(190 + (i % 21), 40 + Math.floor(i / 21)));
      return cells.filter((cell) => cell.every((value) => Math.abs(value - 128) < 24)).length / cells.length;
    };
    expect(untouched(plain)).toBeLessThan(0.5);
    expect(untouched(parted)).toBeGreaterThan(0.6);
    expect(parted.at(100, 280)).toEqual(plain.at(100, 280));
  });
});
