/** @file A tiny dataset in COCO's layout, made for one test file: two images, one person on each. */
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import sharp from 'sharp';
import {configSchema, type DatasetConfig} from '../../src/config/schema.js';

export interface Annotation {
  id: number;
  image_id: number;
  category_id: number;
  iscrowd: number;
  area: number;
  bbox: number[];
  keypoints?: number[];
}

export interface CocoContent {
  images: {id: number; file_name: string; width: number; height: number}[];
  categories: {id: number; name: string}[];
  annotations: Annotation[];
}

/** Person `id` on image `imageId`: keypoint k at (20 + k, 10 + 2 k). */
export function annotation(id: number, imageId: number, changes: Partial<Annotation> = {}): Annotation {
  const keypoints = Array.from({length: 17}, (_, k) => [20 + k, 10 + 2 * k, 2]).flat();
  return {
    id,
    image_id: imageId,
    category_id: 1,
    iscrowd: 0,
    area: 900,
    bbox: [15, 5, 30, 40],
    keypoints,
    ...changes,
  };
}

export function content(): CocoContent {
  return {
    images: [
      {id: 1, file_name: 'one.png', width: 64, height: 48},
      {id: 2, file_name: 'two.png', width: 64, height: 48},
    ],
    categories: [{id: 1, name: 'person'}],
    annotations: [annotation(11, 1), annotation(12, 2)],
  };
}

export class CocoFolder {
  private constructor(readonly root: string) {}

  static async create(): Promise<CocoFolder> {
    const folder = new CocoFolder(await mkdtemp(join(tmpdir(), 'coco-')));
    await mkdir(join(folder.root, 'images'));
    for (const [i, name] of ['one.png', 'two.png'].entries()) {
      const background = {r: 40 + 100 * i, g: 90, b: 160};
      await sharp({create: {width: 64, height: 48, channels: 3, background}}).toFile(
        join(folder.root, 'images', name),
      );
    }
    await folder.write('annotations.json', content());
    return folder;
  }

  async write(name: string, value: unknown): Promise<void> {
    await writeFile(join(this.root, name), typeof value === 'string' ? value : JSON.stringify(value));
  }

  config(changes: Record<string, unknown> = {}): DatasetConfig {
    const split = {annotations: 'annotations.json', images: 'images', detections: 'detections.json'};
    return configSchema.shape.dataset.parse({root: this.root, train: split, val: split, ...changes});
  }

  remove(): Promise<void> {
    return rm(this.root, {recursive: true});
  }
}
