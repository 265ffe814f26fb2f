/** @file The table between HRNet's keys and ours: a row for each of our values, what is asked of a file, and what is said of it. */
import {availableParallelism} from 'node:os';
import {isAbsolute, join, normalize, relative} from 'node:path';
import {evaluatedSet, LEGACY_DATASETS, type LegacyDataset} from './datasets.js';
import type {LegacyConfig} from './keys.js';

/** One of our values: its path, the keys of HRNet that it is made of, and how. */
export interface Row {
  readonly path: string;
  readonly keys: readonly string[];
  readonly value: (config: LegacyConfig) => unknown;
}

const row = (path: string, keys: readonly string[], value: Row['value']): Row => ({path, keys, value});

const datasetOf = ({DATASET}: LegacyConfig): LegacyDataset => LEGACY_DATASETS[DATASET.DATASET];
const isZip = ({DATASET}: LegacyConfig) => DATASET.DATA_FORMAT === 'zip';
const trainFiles = (c: LegacyConfig) => datasetOf(c).files(c.DATASET.TRAIN_SET, isZip(c));
const valFiles = (c: LegacyConfig) => datasetOf(c).files(evaluatedSet(c), isZip(c));

/** A path of HRNet's, which DATA_DIR may stand before; null if it is empty. */
function dataPath({DATA_DIR}: LegacyConfig, path: string | null): string | null {
  if (path === null || path === '') return null;
  return isAbsolute(path) ? path : join(DATA_DIR ?? '', path);
}

function root(config: LegacyConfig): string {
  const path = dataPath(config, config.DATASET.ROOT) ?? (config.DATA_DIR || '.');
  return normalize(path).replace(/(?<=.)[/\\]$/, '');
}

/** HRNet looks for the detector's boxes from the working folder, we do from the dataset's. */
function detections(config: LegacyConfig): string | null {
  const file = config.TEST.COCO_BBOX_FILE;
  if (file === null || file === '' || datasetOf(config).hasNoDetector) return null;
  return isAbsolute(file) ? file : relative(root(config), file);
}

/** More threads than the machine has cores would wait for each other. */
const workers = ({WORKERS}: LegacyConfig) => Math.min(WORKERS, availableParallelism());

const DATASET_KEYS = ['DATASET.DATASET'];
const FILE_KEYS = ['DATASET.DATASET', 'DATASET.DATA_FORMAT'];

export const ROWS: readonly Row[] = [
  row('output', ['OUTPUT_DIR'], (c) => c.OUTPUT_DIR || 'output'),
  row('deterministic', ['CUDNN.DETERMINISTIC'], (c) => c.CUDNN.DETERMINISTIC),

  row('model.input', ['MODEL.IMAGE_SIZE'], (c) => [...c.MODEL.IMAGE_SIZE].reverse()),
  row('model.head.sigma', ['MODEL.SIGMA'], (c) => c.MODEL.SIGMA),
  row('model.head.codec', ['MODEL.TARGET_TYPE', 'TEST.BLUR_KERNEL'], (c) =>
    c.TEST.BLUR_KERNEL === null ? 'msra' : 'dark',
  ),
  row('model.initialization', ['MODEL.INIT_WEIGHTS'], (c) => (c.MODEL.INIT_WEIGHTS ? 'published' : 'he')),
  row('model.weights', ['MODEL.PRETRAINED', 'MODEL.INIT_WEIGHTS', 'DATA_DIR'], (c) =>
    c.MODEL.INIT_WEIGHTS ? dataPath(c, c.MODEL.PRETRAINED) : null,
  ),
  row('model.head.ohkm', ['LOSS.USE_OHKM', 'LOSS.TOPK'], ({LOSS}) => (LOSS.USE_OHKM ? LOSS.TOPK : null)),

  row('dataset.type', DATASET_KEYS, (c) => datasetOf(c).type),
  row('dataset.root', ['DATASET.ROOT', 'DATA_DIR'], root),
  row('dataset.keypoints', DATASET_KEYS, (c) => datasetOf(c).keypoints),
  row('dataset.train.annotations', ['DATASET.TRAIN_SET'], (c) => trainFiles(c).annotations),
  row('dataset.train.images', ['DATASET.TRAIN_SET', ...FILE_KEYS], (c) => trainFiles(c).images),
  row('dataset.val.annotations', ['DATASET.TEST_SET'], (c) => valFiles(c).annotations),
  row('dataset.val.images', ['DATASET.TEST_SET', ...FILE_KEYS], (c) => valFiles(c).images),
  row('dataset.val.headBoxes', ['DATASET.TEST_SET'], (c) => valFiles(c).headBoxes),
  row('dataset.val.detections', ['TEST.COCO_BBOX_FILE'], detections),
  row(
    'dataset.useGroundTruthBoxes',
    ['TEST.USE_GT_BBOX'],
    (c) => datasetOf(c).hasNoDetector || c.TEST.USE_GT_BBOX,
  ),
  row('dataset.detectionScoreThreshold', ['TEST.IMAGE_THRE'], (c) => c.TEST.IMAGE_THRE),
  row('dataset.augment.flip', ['DATASET.FLIP'], (c) => (c.DATASET.FLIP ? 0.5 : 0)),
  row('dataset.augment.rotation', ['DATASET.ROT_FACTOR'], (c) => c.DATASET.ROT_FACTOR),
  row('dataset.augment.scale', ['DATASET.SCALE_FACTOR'], (c) => c.DATASET.SCALE_FACTOR),
  // HRNet's files for MPII write −1 for never.
  row('dataset.augment.halfBody.probability', ['DATASET.PROB_HALF_BODY'], (c) =>
    Math.max(0, c.DATASET.PROB_HALF_BODY),
  ),
  row(
    'dataset.augment.halfBody.minKeypoints',
    ['DATASET.NUM_JOINTS_HALF_BODY'],
    (c) => c.DATASET.NUM_JOINTS_HALF_BODY,
  ),

  row('loader.workers', ['WORKERS'], workers),
  row('loader.prefetch', ['WORKERS'], (c) => Math.max(2, workers(c))),

  // HRNet's scheduler starts with the run, whatever epoch that is called.
  row(
    'train.epochs',
    ['TRAIN.END_EPOCH', 'TRAIN.BEGIN_EPOCH'],
    (c) => c.TRAIN.END_EPOCH - c.TRAIN.BEGIN_EPOCH,
  ),
  // What HRNet's GPUs do at once is done one after the other, with the same gradient and the same batch norms.
  row('train.batchSize', ['TRAIN.BATCH_SIZE_PER_GPU'], (c) => c.TRAIN.BATCH_SIZE_PER_GPU),
  row('train.accumulate', ['GPUS'], (c) => Math.max(1, c.GPUS.length)),
  row('train.shuffle', ['TRAIN.SHUFFLE'], (c) => c.TRAIN.SHUFFLE),
  row('train.logEvery', ['PRINT_FREQ'], (c) => c.PRINT_FREQ),
  row('train.optimizer.type', ['TRAIN.OPTIMIZER'], (c) => c.TRAIN.OPTIMIZER),
  row('train.optimizer.learningRate', ['TRAIN.LR'], (c) => c.TRAIN.LR),
  row('train.optimizer.momentum', ['TRAIN.MOMENTUM'], (c) => c.TRAIN.MOMENTUM),
  row('train.optimizer.nesterov', ['TRAIN.NESTEROV'], (c) => c.TRAIN.NESTEROV),
  // HRNet gives it to SGD alone.
  row('train.optimizer.weightDecay', ['TRAIN.WD', 'TRAIN.OPTIMIZER'], (c) =>
    c.TRAIN.OPTIMIZER === 'sgd' ? c.TRAIN.WD : 0,
  ),
  row('train.schedule.milestones', ['TRAIN.LR_STEP'], (c) => c.TRAIN.LR_STEP),
  row('train.schedule.gamma', ['TRAIN.LR_FACTOR'], (c) => c.TRAIN.LR_FACTOR),

  row('eval.batchSize', ['TEST.BATCH_SIZE_PER_GPU'], (c) => c.TEST.BATCH_SIZE_PER_GPU),
  row('eval.flipTest', ['TEST.FLIP_TEST'], (c) => c.TEST.FLIP_TEST),
  row('eval.shiftHeatmap', ['TEST.SHIFT_HEATMAP'], (c) => c.TEST.SHIFT_HEATMAP),
  row('eval.keypointThreshold', ['TEST.IN_VIS_THRE'], (c) => c.TEST.IN_VIS_THRE),
  row('eval.nms', ['TEST.SOFT_NMS'], (c) => (c.TEST.SOFT_NMS ? 'softOks' : 'oks')),
  row('eval.oksNms', ['TEST.OKS_THRE'], (c) => c.TEST.OKS_THRE),
  row('eval.metrics', DATASET_KEYS, (c) => datasetOf(c).metrics),
];

/** Weights that `pose-eval` takes when it is given none: TEST.MODEL_FILE. */
export function checkpointOf(config: LegacyConfig): string | null {
  return dataPath(config, config.TEST.MODEL_FILE);
}

/** Heatmap cells are a quarter of the input's pixels in every network so far. */
const STRIDE = 4;

/** What cannot be done as the file says: it would train or measure something else. */
export interface Demand {
  readonly key: string;
  readonly holds: (config: LegacyConfig) => boolean;
  readonly problem: (config: LegacyConfig) => string;
}

const known = (names: object) => Object.keys(names).join(', ');
const absent = (what: string) => () => `${what} is not there yet. With False the file runs without it.`;

export const DEMANDS: readonly Demand[] = [
  {
    key: 'DATASET.DATASET',
    holds: ({DATASET}) => Object.hasOwn(LEGACY_DATASETS, DATASET.DATASET),
    problem: () => `this dataset is not there yet; there is ${known(LEGACY_DATASETS)}.`,
  },
  {
    key: 'MODEL.NUM_JOINTS',
    holds: (c) => c.MODEL.NUM_JOINTS === datasetOf(c).joints,
    problem: (c) => `the people of ${c.DATASET.DATASET} have ${datasetOf(c).joints} joints.`,
  },
  {
    key: 'MODEL.HEATMAP_SIZE',
    holds: ({MODEL}) => MODEL.HEATMAP_SIZE.every((side, i) => side * STRIDE === MODEL.IMAGE_SIZE[i]),
    problem: ({MODEL}) =>
      `heatmaps are a quarter of MODEL.IMAGE_SIZE, which is [${MODEL.IMAGE_SIZE.join(', ')}] (width, height).`,
  },
  {
    key: 'MODEL.TARGET_TYPE',
    holds: ({MODEL}) => MODEL.TARGET_TYPE === 'gaussian',
    problem: () => 'HRNet knows gaussian alone. Other targets are set by model.head.codec.',
  },
  {
    key: 'DATASET.DATA_FORMAT',
    holds: ({DATASET}) => ['jpg', 'png', 'zip'].includes(DATASET.DATA_FORMAT),
    problem: () => 'expected jpg, png or zip.',
  },
  {
    key: 'TRAIN.OPTIMIZER',
    holds: ({TRAIN}) => ['adam', 'sgd'].includes(TRAIN.OPTIMIZER),
    problem: () => 'expected adam or sgd.',
  },
  {
    key: 'LOSS.USE_TARGET_WEIGHT',
    holds: ({LOSS}) => LOSS.USE_TARGET_WEIGHT,
    problem: () => 'keypoints that are not labelled never count here. With True the file runs.',
  },
  {
    key: 'LOSS.USE_DIFFERENT_JOINTS_WEIGHT',
    holds: ({LOSS}) => !LOSS.USE_DIFFERENT_JOINTS_WEIGHT,
    problem: absent('a weight for each keypoint'),
  },
  {
    key: 'DATASET.SELECT_DATA',
    holds: ({DATASET}) => !DATASET.SELECT_DATA,
    problem: absent('a choice of people by their boxes'),
  },
];

/** What a user is told of a file that runs: the translation has a side to it that HRNet's has not. */
export const REMARKS: readonly ((config: LegacyConfig) => string | null)[] = [
  ({GPUS, TRAIN}) =>
    GPUS.length > 1
      ? `GPUS lists ${GPUS.length} and one device is used: train.accumulate is ${GPUS.length}, so that a step has the ` +
        `${TRAIN.BATCH_SIZE_PER_GPU} x ${GPUS.length} images that TRAIN.LR belongs to.`
      : null,
  ({DATASET}) =>
    DATASET.COLOR_RGB
      ? null
      : 'DATASET.COLOR_RGB is False, and images enter as RGB all the same: weights that know BGR do not fit them.',
  ({TEST}) =>
    TEST.POST_PROCESS
      ? null
      : 'TEST.POST_PROCESS is False, and the quarter of a cell is added to keypoints all the same.',
  ({MODEL}) =>
    MODEL.INIT_WEIGHTS
      ? null
      : "MODEL.INIT_WEIGHTS is False: weights start by model.initialization=he instead of PyTorch's own, and MODEL.PRETRAINED is not read.",
  (config) =>
    evaluatedSet(config) === config.DATASET.TEST_SET
      ? null
      : `DATASET.TEST_SET is ${config.DATASET.TEST_SET}, whose people have no published joints: ${evaluatedSet(config)} is taken.`,
  ({TEST}) =>
    TEST.BLUR_KERNEL === null
      ? null
      : "TEST.BLUR_KERNEL is a key of DARK's: model.head.codec is dark, whose kernel follows from MODEL.SIGMA.",
];
