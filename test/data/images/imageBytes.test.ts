/** @file Images out of zip archives: the same bytes as from a folder, and damage is told, never passed on. */
import {spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {crc32, deflateRawSync} from 'node:zlib';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {openDataset} from '../../../src/data/datasets/index.js';
import {archivePath, readImageBytes} from '../../../src/data/images/imageBytes.js';
import {loadKeypointSet} from '../../../src/data/keypoints.js';
import {BatchLoader, type LoaderOptions} from '../../../src/data/loader/loader.js';
import {UserError} from '../../../src/errors.js';
import {type ZipEntrySpec, zip} from '../../checkpoint/builders.js';
import {CocoFolder} from '../cocoFolder.js';

const folder = mkdtempSync(join(tmpdir(), 'archive-'));
afterAll(() => rmSync(folder, {recursive: true}));

const photo = Buffer.from('not really a photo, but many bytes'.repeat(50));
const deflated = (name: string, data: Buffer, changes: Partial<ZipEntrySpec> = {}): ZipEntrySpec => ({
  name,
  data: deflateRawSync(data),
  method: 8,
  crc: crc32(data),
  unpacked: data.length,
  ...changes,
});
const stored = (name: string, data: Buffer = photo): ZipEntrySpec => ({name, data});

let archives = 0;
/** Archives are kept open by name: each test has one of its own. */
function write(bytes: Uint8Array): string {
  const path = join(folder, `photos${archives++}.zip`);
  writeFileSync(path, bytes);
  return path;
}

describe('an image in an archive', () => {
  it.each([
    ['stored', zip([stored('a/1.jpg')])],
    ['deflated', zip([deflated('a/1.jpg', photo)])],
    ['stored, with zip64 records', zip([stored('other'), stored('a/1.jpg')], true)],
    ['deflated, with zip64 records', zip([deflated('a/1.jpg', photo)], true)],
    ['before a comment', commented(zip([stored('a/1.jpg')]), 'of the archive')],
  ])('is read as it went in: %s', async (_, bytes) => {
    expect(Buffer.from(await readImageBytes(`${write(bytes)}/a/1.jpg`))).toEqual(photo);
  });

  it('with an empty content, and a name that is not ASCII, is read', async () => {
    const path = write(zip([deflated('ä/лицо.jpg', Buffer.alloc(0)), stored('b')]));
    expect(await readImageBytes(join(path, 'ä/лицо.jpg'))).toHaveLength(0);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['missing', zip([stored('b.jpg')]), /photos\d+\.zip: lacks the entry "a\/1\.jpg"/],
    ['of another checksum', zip([{...stored('a/1.jpg'), crc: 1}]), /has the checksum .* not 00000001/],
    ['deflated, of another checksum', zip([deflated('a/1.jpg', photo, {crc: 1})]), /has the checksum/],
    [
      'damaged within',
      zip([deflated('a/1.jpg', photo, {data: Buffer.from('garbage')})]),
      /cannot be unpacked/,
    ],
    ['longer than it says', zip([deflated('a/1.jpg', photo, {unpacked: 100})]), /cannot be unpacked/],
    ['shorter than it says', zip([deflated('a/1.jpg', photo, {unpacked: 5000})]), /is cut short/],
    [
      'too long for an image',
      zip([deflated('a/1.jpg', photo, {unpacked: 2 ** 30})]),
      /too many for an image/,
    ],
    ['packed in another way', zip([{...stored('a/1.jpg'), method: 12}]), /packed by method 12; pack it anew/],
    ['encrypted', zip([{...stored('a/1.jpg'), flags: 1}]), /is encrypted/],
    ['there twice', zip([stored('a/1.jpg'), stored('a/1.jpg')]), /occurs twice/],
    ['outside of the archive', zip([stored('a/1.jpg'), stored('../b')]), /points outside/],
    ['cut off with the archive', zip([stored('a/1.jpg')]).subarray(0, 200), /without its end/],
    ['in a file of another kind', photo, /without its end/],
  ])('is a data error that names the archive: %s', async (_, bytes, message) => {
    const error = await readImageBytes(`${write(bytes)}/a/1.jpg`).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({kind: 'data', message: expect.stringMatching(message)});
  });

  it('never passes a changed byte on', async () => {
    const whole = zip([deflated('a/1.jpg', photo)]);
    for (let at = 0; at < whole.length; at += 7) {
      const bytes = Buffer.from(whole);
      bytes[at] ^= 0x10;
      const read = await readImageBytes(`${write(bytes)}/a/1.jpg`).catch((error: unknown) => error);
      // Some bytes of a header mean nothing here, such as the time of the entry.
      if (!(read instanceof UserError)) expect(Buffer.from(read as Uint8Array)).toEqual(photo);
    }
  });

  const python = spawnSync('python3', ['--version']).status === 0;
  it.skipIf(!python)('is read from an archive that another program made (needs Python)', async () => {
    const path = join(folder, 'python.zip');
    const code =
      'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1], "w", int(sys.argv[2]))\nz.writestr("a/1.jpg", sys.argv[3])\nz.close()';
    for (const method of ['0', '8']) {
      const file = `${path}${method}.zip`;
      spawnSync('python3', ['-c', code, file, method, photo.toString()]);
      expect(Buffer.from(await readImageBytes(`${file}/a/1.jpg`))).toEqual(photo);
    }
  });
});

describe('a path', () => {
  it('enters an archive where a part of it is a zip file, and not where it is a folder', async () => {
    mkdirSync(join(folder, 'folder.zip'));
    writeFileSync(join(folder, 'folder.zip', '1.jpg'), photo);
    const path = write(zip([stored('1.jpg')]));
    expect(archivePath(join(path, 'a', '1.jpg'))).toEqual({archive: path, inside: 'a/1.jpg'});
    expect(archivePath(path)).toEqual({archive: path, inside: ''});
    expect(archivePath(join(folder, 'folder.zip', '1.jpg'))).toBeNull();
    expect(archivePath(join(folder, 'none.zip', '1.jpg'))).toBeNull();
    expect(Buffer.from(await readImageBytes(join(folder, 'folder.zip', '1.jpg')))).toEqual(photo);
    await expect(readImageBytes(join(folder, 'none.jpg'))).rejects.toThrow(
      /none\.jpg: the image cannot be read/,
    );
  });
});

describe('a dataset whose images lie in an archive', () => {
  let coco: CocoFolder;
  beforeAll(async () => {
    coco = await CocoFolder.create();
    const image = (name: string) => readFileSync(join(coco.root, 'images', name));
    const entries = [stored('sub/one.png', image('one.png')), deflated('sub/two.png', image('two.png'))];
    writeFileSync(join(coco.root, 'images.zip'), zip(entries));
  });
  afterAll(() => coco.remove());

  const open = (images: string, onMissing = 'error') => {
    const split = {annotations: 'annotations.json', images};
    return openDataset(
      coco.config({train: split, val: split, onMissing}),
      'train',
      loadKeypointSet('coco17'),
    );
  };

  it('is found there, and gives the batches that it gives from a folder', async () => {
    const [plain, packed] = [await open('images'), await open('images.zip/sub')];
    expect(packed.people.map(({imageFile}) => imageFile)).toEqual(
      ['one.png', 'two.png'].map((name) => join(coco.root, 'images.zip/sub', name)),
    );
    expect(await firstBatch(packed)).toEqual(await firstBatch(plain));
  });

  it('misses what is not in it', async () => {
    await expect(open('images.zip')).rejects.toThrow(
      /2 of its images are listed but missing under .*images\.zip \(first: one\.png\)/,
    );
    await expect(open('none.zip')).rejects.toThrow(/dataset\.train\.images: .*none\.zip does not exist/);
  });
});

async function firstBatch(dataset: LoaderOptions['dataset']): Promise<Float32Array> {
  const input = [64, 48] as const;
  const codec = {type: 'msra', input, stride: 4, sigma: 2, keypoints: 17} as const;
  const loader = new BatchLoader({
    ...{input, codec, boxPadding: 1.25, timeoutSeconds: 60, maxBadFraction: null},
    dataset,
    augment: null,
    seed: 1,
    batchSize: 2,
    shuffle: false,
    workers: 0,
    prefetch: 1,
  });
  const {value} = await loader.batches(0).next();
  return value!.images;
}

/** The archive with a comment, whose length its end states. */
function commented(bytes: Buffer, comment: string): Buffer {
  const all = Buffer.concat([bytes, Buffer.from(comment)]);
  all.writeUInt16LE(comment.length, bytes.length - 2);
  return all;
}
