/** @file Takes the outlines out of COCO's records before they are parsed: nearly all of the bytes, and keypoints need none. */

const NAME = Buffer.from('"segmentation"');
const LIST_OF_LISTS = /^\s*:\s*\[\s*\[/;
/** More white space than this between the brackets is not worth looking for. */
const LONGEST_OPENING = 64;
const QUOTE = '"'.charCodeAt(0);

/**
 * A record's text, in which a `segmentation` that is a list of polygons may be null. What looks otherwise (no polygons,
 * run lengths, an unusual layout) stays as it is.
 */
export function textWithoutPolygons(record: Buffer): string {
  const start = record.indexOf(NAME);
  if (start < 0 || !'{, \n\t\r'.includes(String.fromCharCode(record[start - 1]))) return record.toString();
  const value = start + NAME.length;
  if (!LIST_OF_LISTS.test(record.toString('latin1', value, value + LONGEST_OPENING)))
    return record.toString();
  const quote = record.indexOf(QUOTE, value);
  const end = record.lastIndexOf(']', quote < 0 ? record.length : quote);
  // The last bracket before the next name closes the list of polygons; without another name it is not told apart.
  if (quote < 0 || end < value) return record.toString();
  return `${record.toString('utf8', 0, value)}:null${record.toString('utf8', end + 1)}`;
}
