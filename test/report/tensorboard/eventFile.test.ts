import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {crc32c, maskedCrc32c} from '../../../src/report/tensorboard/crc32c.js';
import {EventFile} from '../../../src/report/tensorboard/eventFile.js';
import {readEventFile, shownScalars} from './eventReader.js';

let root: string;
let folder: string;
let warnings: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'events-'));
  folder = join(root, 'tensorboard');
  warnings = [];
});
afterEach(() => rmSync(root, {recursive: true}));

function open(resumedStep = 0, now = () => 1_700_000_000_500): EventFile {
  return new EventFile({folder, resumedStep, warn: (line) => warnings.push(line), now});
}

const names = () => readdirSync(folder).sort();

describe('CRC-32C', () => {
  // RFC 3720, Appendix B.4.
  it.each([
    ['zeros', Buffer.alloc(32), 0x8a9136aa],
    ['ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['the digits', Buffer.from('123456789'), 0xe3069283],
  ])('of %s is the published one', (_, bytes, crc) => {
    expect(crc32c(bytes)).toBe(crc);
  });

  it('is masked by a rotation of 15 bits and a constant', () => {
    const rotated = Number((0xe3069283n >> 15n) | ((0xe3069283n << 17n) & 0xffffffffn));
    expect(maskedCrc32c(Buffer.from('123456789'))).toBe((rotated + 0xa282ead8) % 2 ** 32);
  });
});

describe('an event file', () => {
  it('begins with its version and the start of the run, then holds what was written', () => {
    const board = open();
    board.scalars(20, {'train/loss': 0.5, 'train/learningRate': 1e-3});
    board.scalars(2 ** 33, {'val/AP': Number.NaN});
    board.picture(3, 'val/best', {file: Buffer.from('picture'), width: 640, height: 300});
    const {events, torn} = readEventFile(board.file);
    expect(torn).toBe(0);
    expect(events.map(({step}) => step)).toEqual([0, 1, 20, 2 ** 33, 3]);
    expect(events[0].fileVersion).toBe('brain.Event:2');
    expect(events.map(({isStart}) => isStart)).toEqual([false, true, false, false, false]);
    expect(events[2]).toMatchObject({
      wallTime: 1_700_000_000.5,
      scalars: {'train/loss': 0.5, 'train/learningRate': Math.fround(1e-3)},
    });
    expect(events[3].scalars).toEqual({'val/AP': Number.NaN});
    expect(events[4].images['val/best']).toEqual({width: 640, height: 300, file: Buffer.from('picture')});
  });

  it('of a run that goes on makes void what came after its checkpoint', () => {
    const first = open();
    for (const step of [1, 2, 3, 4]) first.scalars(step, {loss: step});
    truncateSync(first.file, lengthOf(first.file) - 5);
    const second = open(2);
    for (const step of [3, 4]) second.scalars(step, {loss: 10 * step});
    expect(readEventFile(first.file).torn).toBeGreaterThan(0);
    expect(shownScalars(folder)).toEqual({
      loss: [
        [1, 1],
        [2, 2],
        [3, 30],
        [4, 40],
      ],
    });
  });

  it('makes void what comes again after the run went back', () => {
    const board = open();
    for (const step of [1, 2, 3]) board.scalars(step, {loss: step});
    board.goBack(2);
    board.scalars(2, {loss: 20});
    expect(shownScalars(folder).loss).toEqual([
      [1, 1],
      [2, 20],
    ]);
  });

  it('sorts after the files before it, even if the clock went back', () => {
    const later = open(0, () => 1_800_000_000_000);
    later.scalars(1, {loss: 1});
    const earlier = open(1, () => 1_700_000_000_000);
    earlier.scalars(2, {loss: 2});
    expect(names().map((name) => join(folder, name))).toEqual([later.file, earlier.file]);
  });

  it('is begun anew if its folder is removed', () => {
    const board = open();
    board.scalars(1, {loss: 1});
    rmSync(folder, {recursive: true});
    board.scalars(2, {loss: 2});
    board.scalars(3, {loss: 3});
    expect(warnings).toEqual([
      expect.stringMatching(/tfevents.*: was removed; TensorBoard's file is begun anew/),
    ]);
    expect(readEventFile(board.file)).toMatchObject({
      torn: 0,
      events: [{fileVersion: 'brain.Event:2'}, {}, {}],
    });
    expect(shownScalars(folder)).toEqual({
      loss: [
        [2, 2],
        [3, 3],
      ],
    });
  });

  it('waits for a disk that is full, warns once, and then has every number', () => {
    const board = open();
    board.scalars(1, {loss: 1});
    renameSync(board.file, `${board.file}.away`);
    symlinkSync('/dev/full', board.file);
    // Another file is begun beside it, on a disk that is full as well.
    renameSync(folder, `${folder}.away`);
    symlinkSync('/dev/full', folder);
    for (const step of [2, 3]) board.scalars(step, {loss: step});
    board.picture(3, 'val/best', {file: Buffer.alloc(1000), width: 1, height: 1});
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/TensorBoard's file cannot be written \(.*\); training goes on/);
    unlinkSync(folder);
    renameSync(`${folder}.away`, folder);
    unlinkSync(board.file);
    renameSync(`${board.file}.away`, board.file);
    board.scalars(4, {loss: 4});
    const {events, torn} = readEventFile(board.file);
    expect(torn).toBe(0);
    expect(events.slice(2).map(({scalars}) => scalars.loss)).toEqual([1, 2, 3, 4]);
    expect(warnings).toHaveLength(1);
  });

  it('does without a folder that cannot be made', () => {
    mkdirSync(root, {recursive: true});
    symlinkSync('/dev/null', folder);
    const board = open();
    board.scalars(1, {loss: 1});
    expect(warnings).toHaveLength(1);
    unlinkSync(folder);
    board.scalars(2, {loss: 2});
    expect(shownScalars(folder).loss).toHaveLength(2);
  });
});

function lengthOf(file: string): number {
  const {events, torn} = readEventFile(file);
  expect({events: events.length, torn}).toEqual({events: 6, torn: 0});
  return statSync(file).size;
}
