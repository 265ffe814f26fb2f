/** @file Files with HRNet's keys for tests: the two that are typed out, and all that HRNet and RDPose publish, by what tells them apart. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {dump, load} from 'js-yaml';
import {PACKAGE_ROOT} from '../../../src/packagePaths.js';

export type Section = {[key: string]: unknown};
/** The sections that tests change. */
export interface Recipe extends Section {
  MODEL: Section & {EXTRA: Section};
  DATASET: Section;
  TRAIN: Section;
  TEST: Section;
  LOSS: Section;
}

export const COCO = recipeFile('coco/w32_256x192_adam_lr1e-3.yaml');
export const MPII = recipeFile('mpii/w32_256x256_adam_lr1e-3.yaml');

function recipeFile(name: string): string {
  return join(PACKAGE_ROOT, 'test/config/legacy', name);
}

export function readRecipe(file: string): Recipe {
  return load(readFileSync(file, 'utf8')) as Recipe;
}

/** The text of a recipe with changes made to a copy of it. */
export function changed(file: string, change: (recipe: Recipe) => void): string {
  const recipe = readRecipe(file);
  change(recipe);
  return dump(recipe);
}

function widen(recipe: Recipe, width: number): void {
  for (const [i, stage] of ['STAGE2', 'STAGE3', 'STAGE4'].entries()) {
    const channels = Array.from({length: i + 2}, (_, k) => width * 2 ** k);
    Object.assign(recipe.MODEL.EXTRA[stage] as Section, {NUM_CHANNELS: channels});
  }
}

function enlarge(recipe: Recipe): void {
  Object.assign(recipe.MODEL, {IMAGE_SIZE: [288, 384], HEATMAP_SIZE: [72, 96], SIGMA: 3});
  Object.assign(recipe.TRAIN, {BATCH_SIZE_PER_GPU: 24});
}

/** ResNets leave the half bodies out and say other things of their heads. */
function resnet(recipe: Recipe, layers: number): void {
  const deconvolution = {NUM_DECONV_LAYERS: 3, NUM_DECONV_FILTERS: [256, 256, 256]};
  const EXTRA = {...deconvolution, NUM_DECONV_KERNELS: [4, 4, 4], DECONV_WITH_BIAS: false};
  Object.assign(recipe.MODEL, {NAME: 'pose_resnet', EXTRA: {...EXTRA, NUM_LAYERS: layers}});
  Object.assign(recipe.DATASET, {COLOR_RGB: false});
}

export interface PublishedRecipe {
  readonly name: string;
  readonly text: string;
}

const WIDTHS = [32, 48];

/** HRNet's own: `experiments/{coco,mpii}/hrnet`. */
export const HRNET_RECIPES: readonly PublishedRecipe[] = WIDTHS.flatMap((width) => [
  {name: `coco-w${width}-256x192`, text: changed(COCO, (recipe) => widen(recipe, width))},
  {
    name: `coco-w${width}-384x288`,
    text: changed(COCO, (recipe) => {
      widen(recipe, width);
      enlarge(recipe);
    }),
  },
  {name: `mpii-w${width}-256x256`, text: changed(MPII, (recipe) => widen(recipe, width))},
]);

/** RDPose's: two or three GPUs, the working folder for COCO's root, MPII's test set, batches of 2 in a test. */
export const RDPOSE_RECIPES: readonly PublishedRecipe[] = HRNET_RECIPES.map(({name, text}) => {
  const recipe = load(text) as Recipe;
  recipe.GPUS = name === 'coco-w32-256x192' ? '(0,1)' : '(0,1,2)';
  if (name.startsWith('coco')) Object.assign(recipe.DATASET, {ROOT: ''});
  else Object.assign(recipe.DATASET, {TEST_SET: 'test'});
  Object.assign(recipe.TEST, {BATCH_SIZE_PER_GPU: 2});
  Object.assign(recipe.MODEL, {PRETRAINED: 'models/hrnet_w32-36af842e.pth'});
  return {name: `rdpose-${name}`, text: dump(recipe)};
});

/** SimpleBaseline's: `experiments/{coco,mpii}/resnet`. */
export const RESNET_RECIPES: readonly PublishedRecipe[] = [50, 101, 152].flatMap((layers) => [
  {name: `coco-res${layers}-256x192`, text: changed(COCO, (recipe) => resnet(recipe, layers))},
  {
    name: `coco-res${layers}-384x288`,
    text: changed(COCO, (recipe) => {
      enlarge(recipe);
      resnet(recipe, layers);
    }),
  },
  {name: `mpii-res${layers}-256x256`, text: changed(MPII, (recipe) => resnet(recipe, layers))},
]);
