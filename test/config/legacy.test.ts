import {readFileSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {join, relative} from 'node:path';
import {dump} from 'js-yaml';
import {afterAll, describe, expect, it} from 'vitest';
import {formatConfig} from '../../src/config/format.js';
import {IDLE_KEYS, legacySchema} from '../../src/config/legacy/keys.js';
import {LEGACY_FAMILIES} from '../../src/config/legacy/models.js';
import {DEMANDS, ROWS} from '../../src/config/legacy/table.js';
import {LEGACY_KEYS} from '../../src/config/legacy.js';
import {loadConfig} from '../../src/config/load.js';
import type {Config} from '../../src/config/schema.js';
import {UserError} from '../../src/errors.js';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';
import {ConfigFolder, SMALLEST} from './folder.js';
import {
  COCO,
  changed,
  HRNET_RECIPES,
  MPII,
  RDPOSE_RECIPES,
  RESNET_RECIPES,
  type Recipe,
} from './legacy/recipes.js';

const folder = new ConfigFolder();
afterAll(() => folder.remove());

const write = (text: string, name = 'w32.yaml') => folder.write(name, text);
const translated = (file: string, ...overrides: string[]): Config => loadConfig(file, overrides).config;

function valueAt(config: Config, path: string): unknown {
  return path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], config);
}

/** What the two kinds of files say differently on purpose, or of the machine. */
function comparable({name: _, loader: __, ...config}: Config) {
  return {
    ...config,
    model: {...config.model, weights: null},
    train: {...config.train, accumulate: null, logEvery: null},
    // Null is what the codec wants: for msra a shift.
    eval: {...config.eval, shiftHeatmap: config.eval.shiftHeatmap ?? true},
  };
}

describe("HRNet's file for", () => {
  it('COCO is our recipe, in the keys that it has', () => {
    const legacy = translated(COCO);
    const ours = loadConfig(join(PACKAGE_ROOT, 'experiments/coco/hrnet_w32.yaml')).config;
    expect(comparable(legacy)).toEqual(comparable(ours));
    expect(legacy).toMatchObject({
      name: 'coco/pose_hrnet/w32_256x192_adam_lr1e-3',
      model: {weights: 'models/pytorch/imagenet/hrnet_w32-36af842e.pth'},
      train: {batchSize: 32, accumulate: 4, logEvery: 100},
      loader: {workers: Math.min(24, availableParallelism())},
    });
  });

  it('MPII is what our parts make of it, and measures PCKh', () => {
    const parts = ['datasets/mpii', 'models/hrnet_w32', 'schedules/adam_210'].map((part) =>
      join(PACKAGE_ROOT, `configs/${part}.yaml`),
    );
    const ours = loadConfig(write(dump({name: 'mpii', extends: parts})), [
      'model.input=[256, 256]',
      'eval.metrics=[pckh]',
      // HRNet's defaults, without meaning for MPII.
      ...['eval.keypointThreshold=0', 'eval.oksNms=0.5', 'dataset.detectionScoreThreshold=0.1'],
    ]).config;
    expect(comparable(translated(MPII))).toEqual(comparable(ours));
  });
});

describe('the published files', () => {
  it.each([...HRNET_RECIPES, ...RDPOSE_RECIPES])(
    '$name load, and name what they ask for in vain',
    ({text}) => {
      const {config, legacy} = loadConfig(write(text));
      expect(config.model.backbone.type).toBe('hrnet');
      const named = ['CUDNN.BENCHMARK', 'LOG_DIR', 'TRAIN.GAMMA1', 'DEBUG.SAVE_HEATMAPS_PRED'];
      for (const key of named) expect(legacy!.note).toContain(key);
      expect(legacy!.note.split('\n')).toHaveLength(1);
    },
  );

  it.each(RESNET_RECIPES)('$name load, and tell that their images were BGR', ({text}) => {
    const {config, sources, legacy} = loadConfig(write(text));
    const [, layers] = /NUM_LAYERS: (\d+)/.exec(text)!;
    expect(config.model).toMatchObject({
      name: `simple_baseline_${layers}`,
      backbone: {
        ...{type: 'resnet', layers: Number(layers), channels: 64},
        deconvolution: [256, 256, 256],
      },
      head: {type: 'heatmap', finalConvKernel: 1},
    });
    expect(sources.get('model.backbone.layers')).toMatch(/w32\.yaml:\d+ MODEL\.EXTRA\.NUM_LAYERS$/);
    expect(legacy!.note).toContain('DATASET.COLOR_RGB is False');
  });

  it.each([
    [
      'MODEL.NAME',
      'pose_swin',
      '"pose_swin": this model is not there yet; there is pose_hrnet, pose_resnet.',
    ],
    ['MODEL.EXTRA.NUM_LAYERS', '20', 'is 20: expected one of 18|34|50|101|152.'],
    ['MODEL.EXTRA.NUM_DECONV_LAYERS', '2', 'is 2: expected 3, so that heatmaps are a quarter of the input.'],
    ['MODEL.EXTRA.NUM_DECONV_KERNELS', '[4, 4, 3]', 'is 3: only kernels of 4 are there.'],
    ['MODEL.EXTRA.NUM_DECONV_FILTERS', '[256]', 'expected 3 numbers'],
    ['MODEL.EXTRA.DECONV_WITH_BIAS', 'True', 'is true: only deconvolutions without bias are there.'],
    ['MODEL.EXTRA.STAGE2', '{}', 'unknown key "MODEL.EXTRA.STAGE2"'],
  ])('of SimpleBaseline with %s %s are refused', (key, value, problem) => {
    expect(() => loadConfig(write(RESNET_RECIPES[0].text), [key, value])).toThrow(problem);
  });

  it('of RDPose evaluate on valid where they name the test people of MPII, and say so', () => {
    const {text} = RDPOSE_RECIPES.find(({name}) => name.startsWith('rdpose-mpii'))!;
    const {config, legacy} = loadConfig(write(text));
    expect(config.dataset.val).toMatchObject({
      annotations: 'annot/valid.json',
      headBoxes: 'annot/gt_valid.mat',
    });
    expect(legacy!.note).toContain('DATASET.TEST_SET is test');
    expect(config.train).toMatchObject({batchSize: 32, accumulate: 3});
  });
});

describe('what a file leaves out', () => {
  // lib/config/default.py, where it differs from our own defaults.
  it("is HRNet's default", () => {
    const file = write(
      changed(COCO, (recipe) => {
        for (const section of ['DATASET', 'TRAIN', 'TEST', 'DEBUG'] as const) delete recipe[section];
        recipe.MODEL = {NAME: 'pose_hrnet', EXTRA: recipe.MODEL.EXTRA, NUM_JOINTS: 16} as Recipe['MODEL'];
      }),
    );
    expect(translated(file)).toMatchObject({
      model: {input: [256, 256], head: {sigma: 2}, weights: null},
      dataset: {
        ...{type: 'mpii', root: '.', keypoints: 'mpii16', detectionScoreThreshold: 0.1},
        augment: {flip: 0.5, rotation: 30, scale: 0.25, halfBody: {probability: 0, minKeypoints: 8}},
      },
      train: {epochs: 140, schedule: {milestones: [90, 110], gamma: 0.1}},
      eval: {flipTest: false, shiftHeatmap: false, keypointThreshold: 0, oksNms: 0.5, nms: 'oks'},
    });
  });

  it('and would be done otherwise here is named', () => {
    const file = write(
      changed(COCO, (recipe) => {
        delete recipe.DATASET.COLOR_RGB;
        delete recipe.TEST.POST_PROCESS;
      }),
    );
    expect(loadConfig(file).legacy!.note).toMatch(/DATASET\.COLOR_RGB is False.*TEST\.POST_PROCESS is False/);
  });
});

describe("an override of HRNet's", () => {
  const cases: [pair: [string, string], path: string, value: unknown][] = [
    [['TEST.USE_GT_BBOX', 'False'], 'dataset.useGroundTruthBoxes', false],
    [['TEST.FLIP_TEST', 'False'], 'eval.flipTest', false],
    [['TEST.SHIFT_HEATMAP', 'False'], 'eval.shiftHeatmap', false],
    [['TEST.SOFT_NMS', 'True'], 'eval.nms', 'softOks'],
    [['TEST.OKS_THRE', '0.8'], 'eval.oksNms', 0.8],
    [['TEST.IN_VIS_THRE', '0.1'], 'eval.keypointThreshold', 0.1],
    [['TEST.IMAGE_THRE', '0.05'], 'dataset.detectionScoreThreshold', 0.05],
    [['TEST.BATCH_SIZE_PER_GPU', '7'], 'eval.batchSize', 7],
    [['TEST.BLUR_KERNEL', '11'], 'model.head.codec', 'dark'],
    [['TEST.COCO_BBOX_FILE', '/boxes.json'], 'dataset.val.detections', '/boxes.json'],
    [['TEST.COCO_BBOX_FILE', 'elsewhere/boxes.json'], 'dataset.val.detections', '../../elsewhere/boxes.json'],
    [['MODEL.SIGMA', '3'], 'model.head.sigma', 3],
    [['MODEL.PRETRAINED', ''], 'model.weights', null],
    [['MODEL.INIT_WEIGHTS', 'False'], 'model.weights', null],
    [['MODEL.INIT_WEIGHTS', 'False'], 'model.initialization', 'he'],
    [['MODEL.EXTRA.STAGE3.NUM_MODULES', '2'], 'model.backbone.stage3.modules', 2],
    [['MODEL.EXTRA.FINAL_CONV_KERNEL', '3'], 'model.head.finalConvKernel', 3],
    [['LOSS.USE_OHKM', 'True'], 'model.head.ohkm', 8],
    [['LOSS.USE_OHKM', 'False'], 'model.head.ohkm', null],
    [['DATASET.ROOT', '/data/coco'], 'dataset.root', '/data/coco'],
    [['DATA_DIR', '/big'], 'dataset.root', '/big/data/coco'],
    [['DATA_DIR', '/big'], 'model.weights', '/big/models/pytorch/imagenet/hrnet_w32-36af842e.pth'],
    [
      ['DATASET.TRAIN_SET', 'train2014'],
      'dataset.train.annotations',
      'annotations/person_keypoints_train2014.json',
    ],
    [
      ['DATASET.TEST_SET', 'test-dev2017'],
      'dataset.val.annotations',
      'annotations/image_info_test-dev2017.json',
    ],
    [['DATASET.TEST_SET', 'test-dev2017'], 'dataset.val.images', 'images/test2017'],
    [['DATASET.DATA_FORMAT', 'zip'], 'dataset.train.images', 'images/train2017.zip'],
    [['DATASET.FLIP', 'False'], 'dataset.augment.flip', 0],
    [['DATASET.PROB_HALF_BODY', '-1.0'], 'dataset.augment.halfBody.probability', 0],
    [['DATASET.NUM_JOINTS_HALF_BODY', '5'], 'dataset.augment.halfBody.minKeypoints', 5],
    [['GPUS', '(0,1)'], 'train.accumulate', 2],
    [['GPUS', '0'], 'train.accumulate', 1],
    [['GPUS', '(0,)'], 'train.accumulate', 1],
    [['TRAIN.BATCH_SIZE_PER_GPU', '8'], 'train.batchSize', 8],
    [['TRAIN.OPTIMIZER', 'sgd'], 'train.optimizer.type', 'sgd'],
    [['TRAIN.MOMENTUM', '0.8'], 'train.optimizer.momentum', 0.8],
    [['TRAIN.NESTEROV', 'True'], 'train.optimizer.nesterov', true],
    [['TRAIN.WD', '0.1'], 'train.optimizer.weightDecay', 0],
    [['TRAIN.OPTIMIZER', 'sgd'], 'train.optimizer.weightDecay', 1e-4],
    [['TRAIN.LR', '5e-4'], 'train.optimizer.learningRate', 5e-4],
    [['TRAIN.LR_STEP', '[90, 120]'], 'train.schedule.milestones', [90, 120]],
    [['TRAIN.LR_FACTOR', '0.5'], 'train.schedule.gamma', 0.5],
    [['TRAIN.BEGIN_EPOCH', '200'], 'train.epochs', 10],
    [['TRAIN.SHUFFLE', 'False'], 'train.shuffle', false],
    [['PRINT_FREQ', '5'], 'train.logEvery', 5],
    [['WORKERS', '0'], 'loader.workers', 0],
    [['CUDNN.DETERMINISTIC', 'True'], 'deterministic', true],
    [['OUTPUT_DIR', '/runs'], 'output', '/runs'],
  ];
  it.each(cases)('%s sets %s', (pair, path, value) => {
    const {config, sources} = loadConfig(COCO, pair);
    expect(valueAt(config, path)).toEqual(value);
    expect(sources.get(path)).toContain(`"${pair.join(' ')}"`);
  });

  it('of every key may repeat its value, and then changes nothing', () => {
    const bare = loadConfig(COCO).config;
    const file = {...(legacySchema.parse({}) as Record<string, unknown>)};
    const leaves = LEGACY_KEYS.filter((key) => !LEGACY_KEYS.some((other) => other.startsWith(`${key}.`)));
    const defaults = leaves.map((key) => {
      const value = key
        .split('.')
        .reduce<unknown>((node, name) => (node as Recipe | undefined)?.[name], file);
      return [key, value] as const;
    });
    const given = defaults.filter(([key]) => key in IDLE_KEYS && !key.startsWith('MODEL.EXTRA'));
    expect(given.length).toBeGreaterThan(10);
    for (const [key, value] of given) {
      const text = value === true ? 'True' : value === false ? 'False' : String(value);
      expect(loadConfig(COCO, [key, text]).config, key).toEqual(bare);
    }
  });

  it('stands beside ours, which come after it', () => {
    const config = translated(
      COCO,
      'TRAIN.LR',
      '1e-2',
      'train.epochs=3',
      'GPUS',
      '(0,)',
      'train.batchSize=5',
    );
    expect(config.train).toMatchObject({epochs: 3, batchSize: 5, optimizer: {learningRate: 0.01}});
  });

  it('names the weights of an evaluation, and whether a run goes on', () => {
    expect(loadConfig(COCO).legacy).toMatchObject({checkpoint: null, resume: true});
    const pairs = ['DATA_DIR', 'base', 'TEST.MODEL_FILE', 'best.pth', 'AUTO_RESUME', 'False'];
    expect(loadConfig(COCO, pairs).legacy).toMatchObject({checkpoint: 'base/best.pth', resume: false});
  });

  it('is refused with a file of ours, and the key of ours is told', () => {
    const file = folder.write('ours.yaml', SMALLEST);
    expect(() => loadConfig(file, ['TEST.USE_GT_BBOX', 'False'])).toThrow(
      new UserError(
        'usage',
        `"TEST.USE_GT_BBOX False": ${file} is not one of HRNet's files. Here it is dataset.useGroundTruthBoxes.`,
      ),
    );
  });

  it('needs a value', () => {
    expect(() => loadConfig(COCO, ['TEST.FLIP_TEST'])).toThrow('"TEST.FLIP_TEST": a value is missing');
  });
});

describe('every known key', () => {
  const sections = ['MODEL', 'LOSS', 'DATASET', 'TRAIN', 'TEST', 'CUDNN', 'DEBUG', 'MODEL.EXTRA'];
  const leaves = LEGACY_KEYS.filter(
    (key) => !sections.includes(key) && !/^MODEL\.EXTRA\.STAGE\d(\.|$)/.test(key),
  );
  // Read by the commands, the families, or the remark on it.
  const otherwise = [
    'AUTO_RESUME',
    'MODEL.NAME',
    'TEST.MODEL_FILE',
    'DATASET.COLOR_RGB',
    'TEST.POST_PROCESS',
  ];
  const used = [
    ...ROWS.flatMap(({keys}) => keys),
    ...DEMANDS.map(({key}) => key),
    ...Object.entries(LEGACY_FAMILIES).flatMap(([name, {settings}]) =>
      settings(extraOf(name)).flatMap(({keys}) => keys),
    ),
    ...otherwise,
  ];

  function extraOf(family: string): unknown {
    if (family !== 'pose_hrnet') return {};
    const stage = (branches: number) => ({
      ...{NUM_MODULES: 1, NUM_BLOCKS: Array(branches).fill(1), NUM_CHANNELS: Array(branches).fill(8)},
    });
    return {STAGE2: stage(2), STAGE3: stage(3), STAGE4: stage(4)};
  }

  it.each(leaves)('%s is translated, or said to have no meaning', (key) => {
    const idle = Object.keys(IDLE_KEYS).some(
      (name) => key === name || (name.endsWith('.') && key.startsWith(name)),
    );
    expect([used.includes(key), idle]).toContain(true);
    expect([used.includes(key), idle]).toContain(false);
  });
});

describe('docs/configuration.md', () => {
  const text = readFileSync(join(PACKAGE_ROOT, 'docs/configuration.md'), 'utf8');
  const sections = /^(MODEL|LOSS|DATASET|TRAIN|TEST|CUDNN|DEBUG|MODEL\.EXTRA)$/;
  const keys = LEGACY_KEYS.filter((key) => !sections.test(key)).map((key) =>
    key.replace(/^MODEL\.EXTRA\.STAGE([34])$/, 'STAGE4').replace(/^MODEL\.EXTRA\.STAGE\d\./, ''),
  );

  it.each([...new Set(keys)])('says what becomes of %s', (key) => {
    expect(text).toContain(`\`${key}\``);
  });
});

describe('a value of ours', () => {
  it('shows the line and the key that it comes from', () => {
    const file = relative(process.cwd(), COCO);
    const {config, sources} = loadConfig(file, ['TEST.OKS_THRE', '0.8', 'train.epochs=3']);
    const shown = formatConfig(config, sources);
    expect(shown).toMatch(
      /^ {2}root: data\/coco +# test\/config\/legacy\/coco\/w32_256x192_adam_lr1e-3\.yaml:12 DATASET\.ROOT, :4 DATA_DIR$/m,
    );
    expect(shown).toMatch(/^ {4}sigma: 2 +# .*\.yaml:30 MODEL\.SIGMA$/m);
    expect(shown).toMatch(/^ {2}oksNms: 0.8 +# "TEST\.OKS_THRE 0\.8"$/m);
    expect(shown).toMatch(/^ {2}epochs: 3 +# "train\.epochs=3"$/m);
    expect(shown).toMatch(/^ {2}nms: oks +# HRNet's default of TEST\.SOFT_NMS$/m);
  });

  it('may come from a file that extends one of HRNet', () => {
    const parent = write(changed(COCO, () => {}));
    const file = folder.write('child.yaml', `extends: w32.yaml\nname: short\ntrain: {epochs: 2}\n`);
    const {config, sources} = loadConfig(file, ['TRAIN.LR', '0.1']);
    expect(config).toMatchObject({name: 'short', train: {epochs: 2, optimizer: {learningRate: 0.1}}});
    expect(sources.get('model.head.sigma')).toMatch(new RegExp(`^${parent}:\\d+ MODEL.SIGMA$`));
  });
});

describe('refused with its place', () => {
  const wrong: [title: string, pair: [string, string], problem: string][] = [
    ['an unknown key', ['TRAIN.LRR', '1'], 'unknown key "TRAIN.LRR"; did you mean "TRAIN.LR"?'],
    [
      'an unknown key of a model',
      ['MODEL.EXTRA.STAGE2.BLOCKS', '1'],
      'unknown key "MODEL.EXTRA.STAGE2.BLOCKS"; did you mean "MODEL.EXTRA.STAGE2.BLOCK"?',
    ],
    ['a wrong type', ['TRAIN.LR', 'fast'], '"TRAIN.LR" is "fast": expected number, received string.'],
    [
      'a heatmap of another stride',
      ['MODEL.HEATMAP_SIZE', '[96, 128]'],
      '"MODEL.HEATMAP_SIZE" is [96,128]: heatmaps are a quarter of MODEL.IMAGE_SIZE, which is [192, 256] (width, height).',
    ],
    [
      'another number of joints',
      ['MODEL.NUM_JOINTS', '16'],
      '"MODEL.NUM_JOINTS" is 16: the people of coco have 17 joints.',
    ],
    [
      'a dataset that is not there',
      ['DATASET.DATASET', 'ochuman'],
      '"DATASET.DATASET" is "ochuman": this dataset is not there yet; there is coco, mpii.',
    ],
    [
      'a model that is not there',
      ['MODEL.NAME', 'hourglass'],
      '"MODEL.NAME" is "hourglass": this model is not there yet; there is pose_hrnet, pose_resnet.',
    ],
    [
      'another loss',
      ['LOSS.USE_DIFFERENT_JOINTS_WEIGHT', 'True'],
      '"LOSS.USE_DIFFERENT_JOINTS_WEIGHT" is true: a weight for each keypoint is not there yet. With False the file runs without it.',
    ],
    [
      'other targets',
      ['MODEL.TARGET_TYPE', 'offset'],
      '"MODEL.TARGET_TYPE" is "offset": HRNet knows gaussian alone. Other targets are set by model.head.codec.',
    ],
    [
      'other blocks',
      ['MODEL.EXTRA.STAGE2.BLOCK', 'BOTTLENECK'],
      '"MODEL.EXTRA.STAGE2.BLOCK" is "BOTTLENECK": only BASIC blocks are there yet.',
    ],
    ['a key below a value', ['TRAIN.LR.BASE', '1'], '"LR" is a value and has no keys below it.'],
  ];
  it.each(wrong)('%s', (_, pair, problem) => {
    expect(() => loadConfig(COCO, pair)).toThrow(new UserError('usage', `"${pair.join(' ')}": ${problem}`));
  });

  it('a line of the file', () => {
    const file = write(`DATASET:\n  DATASET: coco\nTRAIN:\n  LRR: 1\n`);
    expect(() => loadConfig(file)).toThrow(`${file}:4: unknown key "TRAIN.LRR"; did you mean "TRAIN.LR"?`);
  });

  it('a size that the network cannot take, by the key of HRNet', () => {
    const pairs = ['MODEL.IMAGE_SIZE', '[200, 256]', 'MODEL.HEATMAP_SIZE', '[50, 64]'];
    expect(() => loadConfig(COCO, pairs)).toThrow(
      '"MODEL.IMAGE_SIZE [200, 256]": "model.input" is [256,200]: expected multiples of 32 (height, width).',
    );
  });
});
