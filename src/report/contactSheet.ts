/** @file Many pictures on one sheet, each with a caption. */
import sharp from 'sharp';
import {escapeMarkup} from './markup.js';

export interface Tile {
  /** An image file's content, of any size: it is fitted into the tile. */
  readonly image: Buffer;
  readonly caption: string;
}

export interface SheetLayout {
  readonly columns: number;
  /** Of a picture in pixels; captions and gaps come on top. */
  readonly tileWidth: number;
  readonly tileHeight: number;
}

const GAP = 8;
const CAPTION_HEIGHT = 24;
const FONT_SIZE = 13;
/** A typical glyph of a sans-serif font is about this many font sizes wide. */
const GLYPH_WIDTH = 0.56;
const BACKGROUND = '#16181d';
const TILE_BACKGROUND = '#23262d';

function shorten(text: string, width: number): string {
  const characters = [...text];
  const room = Math.max(1, Math.floor(width / (FONT_SIZE * GLYPH_WIDTH)));
  return characters.length <= room ? text : `${characters.slice(0, room - 1).join('')}…`;
}

function captionMarkup(caption: string, x: number, y: number, width: number): string {
  return `<text x="${x + 2}" y="${y + FONT_SIZE + 4}">${escapeMarkup(shorten(caption, width - 4))}</text>`;
}

/** Tiles in rows from left to right, as a JPEG file. At least one tile is needed. */
export async function contactSheet(tiles: readonly Tile[], layout: SheetLayout): Promise<Buffer> {
  const {tileWidth, tileHeight} = layout;
  const columns = Math.min(layout.columns, tiles.length);
  const rows = Math.ceil(tiles.length / columns);
  const width = GAP + columns * (tileWidth + GAP);
  const height = GAP + rows * (tileHeight + CAPTION_HEIGHT + GAP);
  const places = tiles.map((_, i) => ({
    left: GAP + (i % columns) * (tileWidth + GAP),
    top: GAP + Math.floor(i / columns) * (tileHeight + CAPTION_HEIGHT + GAP),
  }));
  const pictures = await Promise.all(
    tiles.map(async ({image}, i) => ({
      input: await sharp(image)
        .resize(tileWidth, tileHeight, {fit: 'contain', background: TILE_BACKGROUND})
        .png()
        .toBuffer(),
      ...places[i],
    })),
  );
  const captions = tiles.map(({caption}, i) =>
    captionMarkup(caption, places[i].left, places[i].top + tileHeight, tileWidth),
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" fill="#e6e8ec" font-family="sans-serif" font-size="${FONT_SIZE}">${captions.join('')}</svg>`;
  return sharp({create: {width, height, channels: 3, background: BACKGROUND}})
    .composite([...pictures, {input: Buffer.from(svg)}])
    .jpeg({quality: 85})
    .toBuffer();
}
