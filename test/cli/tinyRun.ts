/** @file A folder in which a user trains: six small photographs with a person each, and a recipe for a tiny network. */
import {existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import sharp from 'sharp';

const IMAGES = 6;
const SIDE = 64;

export const RECIPE = 'recipe.yaml';

/** HRNet with every kind of connection, in a run of two epochs of three steps. */
const RECIPE_TEXT = `name: run
threads: 1
model:
  name: tiny
  input: [32, 32]
  backbone:
    type: hrnet
    stage2: {modules: 1, blocks: [1, 1], channels: [8, 8]}
    stage3: {modules: 1, blocks: [1, 1, 1], channels: [8, 8, 8]}
    stage4: {modules: 1, blocks: [1, 1, 1, 1], channels: [8, 8, 8, 8]}
  head: {type: heatmap, sigma: 1.5}
dataset:
  root: data
  train: {annotations: people.json, images: images}
  val: {annotations: people.json, images: images}
train: {epochs: 2, batchSize: 2, logEvery: 1}
eval: {batchSize: 4}
`;

/** The least that a test changes in the annotation file. */
export interface People {
  images: {id: number; file_name: string; width: number; height: number}[];
  categories: {id: number; name: string}[];
  annotations: Record<string, unknown>[];
}

function people(): People {
  const ids = Array.from({length: IMAGES}, (_, i) => i + 1);
  const keypoints = (id: number) =>
    Array.from({length: 17}, (_, k) => [15 + 2 * k, 8 + id + 2 * k, 2]).flat();
  return {
    images: ids.map((id) => ({id, file_name: `${id}.jpg`, width: SIDE, height: SIDE})),
    categories: [{id: 1, name: 'person'}],
    annotations: ids.map((id) => ({
      ...{id, image_id: id, category_id: 1, iscrowd: 0, area: 40_000, bbox: [10, 5, 44, 50]},
      ...{num_keypoints: 17, keypoints: keypoints(id)},
    })),
  };
}

export class TinyRun {
  readonly path = mkdtempSync(join(tmpdir(), 'tiny-run-'));

  static create(): Promise<TinyRun> {
    return TinyRun.fill(new TinyRun());
  }

  /** Writes the photographs, the annotations and the recipe. */
  static async fill<T extends TinyRun>(folder: T): Promise<T> {
    mkdirSync(folder.at('data/images'), {recursive: true});
    for (let id = 1; id <= IMAGES; id++) {
      const background = {r: 40 * id, g: 90, b: 250 - 40 * id};
      await sharp({create: {width: SIDE, height: SIDE, channels: 3, background}})
        .jpeg()
        .toFile(folder.at(`data/images/${id}.jpg`));
    }
    writeFileSync(folder.at(RECIPE), RECIPE_TEXT);
    folder.writePeople();
    return folder;
  }

  at(path: string): string {
    return join(this.path, path);
  }

  /** @returns its whole path */
  makeFolder(path: string): string {
    return mkdirSync(this.at(path), {recursive: true}) ?? this.at(path);
  }

  read(path: string): string {
    return readFileSync(this.at(path), 'utf8');
  }

  exists(path: string): boolean {
    return existsSync(this.at(path));
  }

  /** Names in a folder, in order. */
  list(path: string): string[] {
    return readdirSync(this.at(path)).sort();
  }

  /** Writes an annotation file. */
  writePeople(name = 'people.json', change: (content: People) => void = () => {}): void {
    const content = people();
    change(content);
    writeFileSync(this.at(`data/${name}`), JSON.stringify(content));
  }

  remove(): void {
    rmSync(this.path, {recursive: true});
  }
}
