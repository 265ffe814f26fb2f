import sharp from 'sharp';
import {describe, expect, it} from 'vitest';
import {contactSheet} from '../../src/report/contactSheet.js';

const LAYOUT = {columns: 2, tileWidth: 100, tileHeight: 80};

/** A picture of one colour. */
function plain(background: string, width = 50, height = 40): Promise<Buffer> {
  return sharp({create: {width, height, channels: 3, background}})
    .png()
    .toBuffer();
}

async function sheetOf(tiles: {image: Buffer; caption: string}[]) {
  const jpeg = await contactSheet(tiles, LAYOUT);
  const {data, info} = await sharp(jpeg).raw().toBuffer({resolveWithObject: true});
  const at = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ];
  return {width: info.width, height: info.height, data, at};
}

describe('a contact sheet', () => {
  it('places tiles in rows, left to right', async () => {
    const colors = ['#ff0000', '#00ff00', '#0000ff'];
    const tiles = await Promise.all(
      colors.map(async (color) => ({image: await plain(color), caption: color})),
    );
    const {width, height, at} = await sheetOf(tiles);
    // Gaps of 8, captions of 24: two columns of 100, two rows of 80 and their captions.
    expect([width, height]).toEqual([8 + 2 * 108, 8 + 2 * 112]);
    const strongest = (color: number[]) => color.indexOf(Math.max(...color));
    expect([at(58, 48), at(166, 48), at(58, 160)].map(strongest)).toEqual([0, 1, 2]);
    expect(Math.max(...at(166, 160))).toBeLessThan(60);
  });

  it('keeps the proportions of a picture', async () => {
    const {at} = await sheetOf([{image: await plain('#ffffff', 20, 80), caption: ''}]);
    expect(Math.min(...at(58, 48))).toBeGreaterThan(240);
    expect(Math.max(...at(20, 48))).toBeLessThan(80);
  });

  it('takes captions with any character, and of any length', async () => {
    const image = await plain('#000000');
    const withText = await sheetOf([{image, caption: `<b> & "x" \u0001 ${'long '.repeat(50)}`}]);
    const without = await sheetOf([{image, caption: ''}]);
    expect([withText.width, withText.height]).toEqual([without.width, without.height]);
    expect(withText.data.equals(without.data)).toBe(false);
  });
});
