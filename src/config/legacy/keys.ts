/**
 * @file The keys of HRNet's files with what they are where a file leaves them out (lib/config/default.py of
 * leoxiaobin/deep-high-resolution-net.pytorch). Sizes are [width, height] there. What has no meaning here is named at the end.
 */
import {z} from 'zod';

const text = (initial: string) => z.string().nullable().default(initial);
const flag = (initial: boolean) => z.boolean().default(initial);
const number = (initial: number) => z.number().default(initial);
const integer = z.number().int();
const size = (side: number) => z.tuple([integer, integer]).default([side, side]);

const model = z.strictObject({
  NAME: z.string().default('pose_hrnet'),
  INIT_WEIGHTS: flag(true),
  PRETRAINED: text(''),
  NUM_JOINTS: integer.default(17),
  TAG_PER_JOINT: flag(true),
  TARGET_TYPE: z.string().default('gaussian'),
  IMAGE_SIZE: size(256),
  HEATMAP_SIZE: size(64),
  SIGMA: number(2),
  // Each family of models has keys of its own: see models.ts.
  EXTRA: z.record(z.string(), z.unknown()).default({}),
});

const loss = z.strictObject({
  USE_OHKM: flag(false),
  TOPK: integer.default(8),
  USE_TARGET_WEIGHT: flag(true),
  USE_DIFFERENT_JOINTS_WEIGHT: flag(false),
});

const dataset = z.strictObject({
  ROOT: text(''),
  DATASET: z.string().default('mpii'),
  TRAIN_SET: z.string().default('train'),
  TEST_SET: z.string().default('valid'),
  DATA_FORMAT: z.string().default('jpg'),
  HYBRID_JOINTS_TYPE: text(''),
  SELECT_DATA: flag(false),
  FLIP: flag(true),
  SCALE_FACTOR: number(0.25),
  ROT_FACTOR: number(30),
  PROB_HALF_BODY: number(0),
  NUM_JOINTS_HALF_BODY: integer.default(8),
  COLOR_RGB: flag(false),
});

const train = z.strictObject({
  LR_FACTOR: number(0.1),
  LR_STEP: z.array(z.number()).default([90, 110]),
  LR: number(0.001),
  OPTIMIZER: z.string().default('adam'),
  MOMENTUM: number(0.9),
  WD: number(0.0001),
  NESTEROV: flag(false),
  GAMMA1: number(0.99),
  GAMMA2: number(0),
  BEGIN_EPOCH: integer.nonnegative().default(0),
  END_EPOCH: integer.default(140),
  RESUME: flag(false),
  CHECKPOINT: text(''),
  BATCH_SIZE_PER_GPU: integer.default(32),
  SHUFFLE: flag(true),
});

const test = z.strictObject({
  BATCH_SIZE_PER_GPU: integer.default(32),
  FLIP_TEST: flag(false),
  POST_PROCESS: flag(false),
  SHIFT_HEATMAP: flag(false),
  USE_GT_BBOX: flag(false),
  IMAGE_THRE: number(0.1),
  NMS_THRE: number(0.6),
  SOFT_NMS: flag(false),
  OKS_THRE: number(0.5),
  IN_VIS_THRE: number(0),
  COCO_BBOX_FILE: text(''),
  BBOX_THRE: number(1),
  MODEL_FILE: text(''),
  // Not HRNet's own: the files of DARK, which is built on it, say so that they are DARK's.
  BLUR_KERNEL: integer.nullable().default(null),
});

const debug = z.strictObject({
  DEBUG: flag(false),
  SAVE_BATCH_IMAGES_GT: flag(false),
  SAVE_BATCH_IMAGES_PRED: flag(false),
  SAVE_HEATMAPS_GT: flag(false),
  SAVE_HEATMAPS_PRED: flag(false),
});

/** A single number stands for a list of one. */
const gpus = z.preprocess(
  (value) => (typeof value === 'number' ? [value] : value),
  z.array(integer).default([0]),
);

export const legacySchema = z.strictObject({
  OUTPUT_DIR: text(''),
  LOG_DIR: text(''),
  DATA_DIR: text(''),
  GPUS: gpus,
  WORKERS: integer.nonnegative().default(4),
  PRINT_FREQ: integer.default(20),
  AUTO_RESUME: flag(false),
  PIN_MEMORY: flag(true),
  RANK: integer.default(0),
  CUDNN: z
    .strictObject({BENCHMARK: flag(true), DETERMINISTIC: flag(false), ENABLED: flag(true)})
    .prefault({}),
  MODEL: model.prefault({}),
  LOSS: loss.prefault({}),
  DATASET: dataset.prefault({}),
  TRAIN: train.prefault({}),
  TEST: test.prefault({}),
  DEBUG: debug.prefault({}),
});

/** A file of HRNet with its defaults filled in. */
export type LegacyConfig = z.infer<typeof legacySchema>;

/** Keys that are known and change nothing here, and why. A key that ends in a dot stands for its section. */
export const IDLE_KEYS: Readonly<Record<string, string>> = {
  LOG_DIR: "logs lie in the run's folder",
  PIN_MEMORY: 'of PyTorch',
  RANK: 'of PyTorch',
  'CUDNN.BENCHMARK': 'of PyTorch',
  'CUDNN.ENABLED': 'of PyTorch',
  'MODEL.TAG_PER_JOINT': 'without use in HRNet',
  'MODEL.EXTRA.PRETRAINED_LAYERS': 'all layers that fit are taken',
  'MODEL.EXTRA.STEM_INPLANES': 'without use in HRNet',
  'DATASET.HYBRID_JOINTS_TYPE': "a part of HRNet's folder names",
  'TRAIN.GAMMA1': 'without use in HRNet',
  'TRAIN.GAMMA2': 'without use in HRNet',
  'TRAIN.RESUME': 'without use in HRNet',
  'TRAIN.CHECKPOINT': 'without use in HRNet',
  'TEST.NMS_THRE': 'without use in HRNet',
  'TEST.BBOX_THRE': 'without use in HRNet',
  'DEBUG.': 'the report has the pictures',
};
