/** @file The size of a JPEG file, before it is decoded (ITU-T T.81, annex B). */

const START_OF_IMAGE = 0xffd8;
const END_OF_IMAGE = 0xffd9;
const START_OF_SCAN = 0xda;
/** Among the frame headers SOF0 … SOF15: tables and extensions that are none. */
const NO_FRAME = [0xc4, 0xc8, 0xcc];

/** Width and height of a JPEG that ends as it should; null for everything else, also for what looks damaged. */
export function readJpegSize(bytes: Buffer): readonly [number, number] | null {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== START_OF_IMAGE) return null;
  if (bytes.readUInt16BE(bytes.length - 2) !== END_OF_IMAGE) return null;
  let at = 2;
  while (at + 9 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === START_OF_SCAN) return null;
    if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.includes(marker)) {
      const [height, width] = [bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)];
      // A height of 0 is told after the first scan; no camera does that.
      return width > 0 && height > 0 ? [width, height] : null;
    }
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
}
