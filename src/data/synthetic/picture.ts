/** @file One picture of the synthetic set: a function of the seed, the split and the number alone. */
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import sharp from 'sharp';
import {UserError} from '../../errors.js';
import {stream} from '../../random.js';
import {annotatePeople, type PersonAnnotation} from './annotate.js';
import type {CrowdOptions} from './crowd.js';
import {photograph} from './photograph.js';
import {renderScene} from './render.js';
import {sampleScene} from './scene.js';

export type Split = 'train' | 'val';

/** The picture to make, and the folder of its split's pictures. */
export interface PictureTask {
  readonly folder: string;
  readonly seed: number;
  readonly split: Split;
  /** From 0 within the split. */
  readonly index: number;
  /** null: a few people, well apart. */
  readonly crowd: CrowdOptions | null;
  /** Names of the keypoints to annotate. */
  readonly keypoints: readonly string[];
}

export interface PictureRecord {
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
  /** Of the camera, in pixels; its axis meets the picture in the middle. */
  readonly focal: number;
  readonly people: readonly PersonAnnotation[];
}

const JPEG_QUALITY = 92;

/** Writes the picture's JPEG file and returns what the annotation file says of it. */
export async function makePicture(task: PictureTask): Promise<PictureRecord> {
  const {folder, seed, split, index, crowd, keypoints} = task;
  const scene = sampleScene(stream(seed, `synthetic ${split} scene`, 0, index), crowd);
  const rendering = renderScene(scene);
  const {width, height, focal} = scene.camera;
  const pixels = photograph(rendering.canvas, stream(seed, `synthetic ${split} camera`, 0, index));
  const fileName = `${String(index + 1).padStart(12, '0')}.jpg`;
  const jpeg = await sharp(pixels, {raw: {width, height, channels: 3}})
    .jpeg({quality: JPEG_QUALITY})
    .toBuffer();
  await store(join(folder, fileName), jpeg);
  return {fileName, width, height, focal, people: annotatePeople(scene, rendering, keypoints)};
}

/** @throws UserError if the disk refuses */
async function store(file: string, content: Uint8Array | string): Promise<void> {
  await writeFile(file, content).catch((cause: Error) => {
    throw new UserError(
      'storage',
      `${file} cannot be written (${cause.message}). Make room, or choose another folder.`,
      {
        cause,
      },
    );
  });
}
