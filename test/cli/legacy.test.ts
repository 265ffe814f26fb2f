/** @file HRNet's own files as a user runs them: real processes on a tiny dataset, everything else as the files say. */
import {mkdirSync, writeFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {COCO, changed, MPII, type Recipe, type Section} from '../config/legacy/recipes.js';
import {type Ended, runCommandLine} from './process.js';
import {TinyRun} from './tinyRun.js';

let folder: TinyRun;
beforeAll(async () => {
  folder = await TinyRun.create();
});
afterAll(() => folder.remove());

/** As few weights and pixels as there can be; all other values are the published ones. */
function shrink(recipe: Recipe): void {
  Object.assign(recipe.MODEL, {PRETRAINED: '', IMAGE_SIZE: [32, 32], HEATMAP_SIZE: [8, 8]});
  for (const [i, stage] of ['STAGE2', 'STAGE3', 'STAGE4'].entries()) {
    const each = (value: number) => Array.from({length: i + 2}, () => value);
    const section = recipe.MODEL.EXTRA[stage] as Section;
    Object.assign(section, {NUM_MODULES: 1, NUM_BLOCKS: each(1), NUM_CHANNELS: each(8)});
  }
  Object.assign(recipe.TRAIN, {BATCH_SIZE_PER_GPU: 2, END_EPOCH: 1});
}

/** Every override there is of this machine and of the little data; `TEST.MODEL_FILE x` has no meaning for a training. */
const PAIRS = ['GPUS', '(0,)', 'WORKERS', '1', 'PRINT_FREQ', '1', 'threads=1'];

function run(command: string, ...args: string[]): Promise<Ended> {
  return runCommandLine(command, args, folder.path);
}

describe("HRNet's file for COCO", () => {
  const NAME = 'output/coco/pose_hrnet/w32';
  const ARGS = ['--cfg', 'w32.yaml', ...PAIRS];

  beforeAll(() => {
    mkdirSync(folder.at('data/coco/annotations'), {recursive: true});
    mkdirSync(folder.at('data/coco/images'), {recursive: true});
    for (const set of ['train2017', 'val2017']) {
      folder.writePeople(`coco/annotations/person_keypoints_${set}.json`, ({images}) => {
        for (const image of images) image.file_name = `../../../images/${image.file_name}`;
      });
      mkdirSync(folder.at(`data/coco/images/${set}`));
    }
    const boxes = [1, 2, 3].map((id) => ({image_id: id, category_id: 1, bbox: [10, 5, 44, 50], score: 0.9}));
    mkdirSync(folder.at('data/coco/person_detection_results'));
    const file = 'data/coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json';
    writeFileSync(folder.at(file), JSON.stringify(boxes));
    writeFileSync(folder.at('w32.yaml'), changed(COCO, shrink));
  });

  it('is checked, summed up, trained and evaluated; AUTO_RESUME goes on with the run', async () => {
    const check = await run('pose-data', 'check', ...ARGS, '--no-images');
    expect(check).toMatchObject({code: 0});
    const summary = await run('pose-model', 'summary', ...ARGS);
    expect(summary.stdout).toContain('stage4');

    const first = await run('pose-train', ...ARGS, 'TEST.MODEL_FILE', 'x', 'TEST.USE_GT_BBOX', 'False');
    expect(first).toMatchObject({code: 0});
    expect(first.stderr).toMatch(/^note: w32\.yaml has HRNet's keys, which were translated\./);
    expect(first.stderr).toContain('TEST.MODEL_FILE is for pose-eval');
    expect(first.stdout).toMatch(/^val .*\(boxes of a detector\)$/m);

    const second = await run('pose-train', ...ARGS, 'TRAIN.END_EPOCH', '2', 'TEST.USE_GT_BBOX', 'False');
    expect(second).toMatchObject({code: 0});
    expect(second.stdout).toMatch(/^resumed from .*: epoch 2, batch 1$/m);
    expect(folder.list(`${NAME}/checkpoints`)).toContain('step-00000006');

    const file = `${NAME}/checkpoints/step-00000006/model.safetensors`;
    const scored = await run('pose-eval', ...ARGS, 'TEST.MODEL_FILE', file, '--json');
    expect(scored).toMatchObject({code: 0});
    expect(JSON.parse(scored.stdout)).toHaveProperty('AP');
    const missing = await run('pose-eval', ...ARGS, 'TEST.MODEL_FILE', 'none.pth');
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toContain('none.pth');
  }, 120_000);
});

describe("HRNet's file for MPII", () => {
  beforeAll(() => {
    mkdirSync(folder.at('data/mpii/annot'), {recursive: true});
    mkdirSync(folder.at('data/mpii/images'), {recursive: true});
    const people = [1, 2, 3, 4].map((id) => ({
      ...{image: `../../images/${id}.jpg`, center: [32, 32], scale: 0.2, headbox: [28, 6, 36, 16]},
      ...{joints: Array.from({length: 16}, (_, k) => [15 + 2 * k, 8 + id + 2 * k])},
      joints_vis: Array(16).fill(1),
    }));
    for (const set of ['train', 'valid']) {
      writeFileSync(folder.at(`data/mpii/annot/${set}.json`), JSON.stringify(people));
    }
    writeFileSync(folder.at('mpii.yaml'), changed(MPII, shrink));
  });

  it('is trained and evaluated by PCKh', async () => {
    // The head boxes stand in the annotations: there is no gt_valid.mat.
    const args = ['--cfg', 'mpii.yaml', ...PAIRS, 'dataset.val.headBoxes=null'];
    const trained = await run('pose-train', ...args);
    expect(trained, trained.stderr).toMatchObject({code: 0});
    expect(trained.stdout).toMatch(/PCKh/);
    const scored = await run('pose-eval', ...args, '--json');
    expect(JSON.parse(scored.stdout)).toHaveProperty('PCKh');
  }, 120_000);
});
