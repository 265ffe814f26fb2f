/** @file The cache of annotation files: the same content the second time, and anew whenever it is not this file's. */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';
import {readAnnotations} from '../../../src/data/datasets/annotationCache.js';
import {cacheFolder} from '../../../src/data/datasets/cacheFolder.js';
import {loadKeypointSet} from '../../../src/data/keypoints.js';
import {annotation, CocoFolder, content} from '../cocoFolder.js';
import {numberedSet} from '../keypointSets.js';

const context = {keypointSet: loadKeypointSet('coco17'), category: null};
let folder: CocoFolder;
let file: string;
let cache: string;

beforeEach(async () => {
  folder = await CocoFolder.create();
  file = join(folder.root, 'annotations.json');
  cache = join(folder.root, 'cache', 'annotations');
  vi.stubEnv('POSECRAFT_CACHE', join(folder.root, 'cache'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await folder.remove();
});

const read = (from = {file, context}) => readAnnotations('coco', from.file, from.context, 0);
const entries = () => readdirSync(cache).map((name) => join(cache, name));
/** What a content says, findings included. */
const told = ({content: {findings, ...rest}}: Awaited<ReturnType<typeof read>>) => ({
  ...rest,
  findings: findings.entries(),
});

describe('the second time', () => {
  it('everything is as it was, findings, crowds and fractions of pixels too', async () => {
    const value = content();
    const odd = annotation(13, 1, {bbox: [1 / 3, 5e-324, 20.1, 30.7]});
    value.annotations.push(
      odd,
      annotation(14, 2, {iscrowd: 1}),
      annotation(15, 9),
      annotation(16, 1, {area: -1}),
    );
    await folder.write('annotations.json', value);
    const [first, second] = [await read(), await read()];
    expect([first.origin, second.origin]).toEqual(['file', 'cache']);
    expect(told(second)).toEqual(told(first));
    expect(told(second).findings.map(([rule]) => rule)).toEqual(['unknownImage', 'areaNotPositive', 'crowd']);
  });

  it('more people than a block holds come back in order', async () => {
    const value = {
      ...content(),
      annotations: Array.from({length: 9000}, (_, i) => annotation(i + 1, 1 + (i % 2))),
    };
    await folder.write('annotations.json', value);
    const [first, second] = [await read(), await read()];
    expect(second.origin).toBe('cache');
    expect(second.content.people).toEqual(first.content.people);
  });

  it('a copy of the file elsewhere is known', async () => {
    await read();
    copyFileSync(file, join(folder.root, 'copy.json'));
    expect((await read({file: join(folder.root, 'copy.json'), context})).origin).toBe('cache');
  });
});

describe('a cache that is not this file’s is made anew', () => {
  const faults: [string, (entry: string) => void][] = [
    ['cut short', (entry) => truncateSync(entry, 700)],
    ['empty', (entry) => truncateSync(entry, 0)],
    ['lengthened', (entry) => appendFileSync(entry, 'x')],
    ['of other bytes', (entry) => writeFileSync(entry, 'not a cache\n'.repeat(200))],
    [
      'a folder',
      (entry) => {
        rmSync(entry);
        mkdirSync(entry);
      },
    ],
    [
      'of another dataset',
      (entry) =>
        writeFileSync(
          entry,
          readFileSync(entry, 'latin1').replace(/"key":"\w{9}/, '"key":"elsewhere'),
          'latin1',
        ),
    ],
    ...[0.1, 0.5, 0.9, 0.999].map((place): [string, (entry: string) => void] => [
      `changed in one bit at ${place} of its length`,
      (entry) => {
        const bytes = readFileSync(entry);
        bytes[Math.floor(place * bytes.length)] ^= 4;
        writeFileSync(entry, bytes);
      },
    ]),
  ];
  it.each(faults)('%s', async (_, damage) => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const first = await read();
    damage(entries()[0]);
    const second = await read();
    expect(second.origin).toBe('file');
    expect(told(second)).toEqual(told(first));
    if (_ !== 'a folder') expect((await read()).origin).toBe('cache');
  });

  it.each<[string, () => Promise<unknown>, Parameters<typeof read>[0] | undefined]>([
    [
      'the file has changed, though not its length',
      async () => writeFileSync(file, readFileSync(file, 'utf8').replace('900', '901')),
      undefined,
    ],
    [
      'it is read for another keypoint set',
      async () => {},
      {file: '', context: {...context, keypointSet: numberedSet('other', 17)}},
    ],
    [
      'it is read for another category',
      async () => {},
      {file: '', context: {...context, category: 'person'}} as never,
    ],
  ])('when %s', async (_, change, from) => {
    await read();
    await change();
    expect((await read(from && {...from, file})).origin).toBe('file');
    expect(entries()).toHaveLength(2);
  });
});

describe('the cache', () => {
  it('leaves nothing half written, and nothing beside the dataset', async () => {
    await read();
    expect(entries().map((name) => name.endsWith('.bin'))).toEqual([true]);
    expect(readdirSync(folder.root).sort()).toEqual(['annotations.json', 'cache', 'images']);
  });

  it('is not used for small files', async () => {
    await readAnnotations('coco', file, context);
    expect(existsSync(cache)).toBe(false);
  });

  it('that cannot be written is a warning that names the remedy', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    await folder.write('occupied', '');
    vi.stubEnv('POSECRAFT_CACHE', join(folder.root, 'occupied'));
    expect((await read()).origin).toBe('file');
    expect(warning).toHaveBeenCalledWith(expect.stringMatching(/cannot be written: .*Set POSECRAFT_CACHE/));
  });

  it('lies in the folder for caches, or where POSECRAFT_CACHE says', () => {
    expect(cacheFolder({POSECRAFT_CACHE: '/x'})).toBe('/x');
    if (process.platform === 'linux') {
      expect(cacheFolder({XDG_CACHE_HOME: '/y'})).toBe('/y/posecraft');
      expect(cacheFolder({})).toBe(join(homedir(), '.cache', 'posecraft'));
    }
  });
});
