import {readdirSync, readFileSync} from 'node:fs';
import {join, relative, resolve} from 'node:path';
import {describe, expect, it} from 'vitest';

/** The rooms of src/ in the order in which data walks through them. */
const ROOMS = [
  'engine',
  'config',
  'checkpoint',
  'nn',
  'codecs',
  'data',
  'losses',
  'models',
  'cocoapi',
  'metrics',
  'report',
  'tasks',
  'train',
  'cli',
];
const SOURCE = resolve('src');

/** Every import of one room by another, as `from/file.ts -> to`. */
function crossings(): {from: string; to: string; file: string}[] {
  const files = readdirSync(SOURCE, {recursive: true}).map(String);
  return files
    .filter((file) => file.endsWith('.ts') && file.includes('/'))
    .flatMap((file) => {
      const text = readFileSync(join(SOURCE, file), 'utf8');
      const targets = [...text.matchAll(/from '(\.[^']+)'/g)].map(([, target]) =>
        relative(SOURCE, resolve(SOURCE, file, '..', target)),
      );
      return targets.map((target) => ({from: file.split('/')[0], to: target.split('/')[0], file}));
    })
    .filter(({from, to}) => from !== to && !to.endsWith('.js'));
}

describe('the rooms of src/', () => {
  it('are all known', () => {
    const folders = readdirSync(SOURCE, {withFileTypes: true}).filter((entry) => entry.isDirectory());
    expect(folders.map(({name}) => name).sort()).toEqual([...ROOMS].sort());
  });

  it('use only rooms before them', () => {
    const found = crossings();
    expect(found.length).toBeGreaterThan(50);
    const backwards = found.filter(({from, to}) => ROOMS.indexOf(to) >= ROOMS.indexOf(from));
    expect(backwards.map(({file, to}) => `${file} -> ${to}`)).toEqual([]);
  });
});
