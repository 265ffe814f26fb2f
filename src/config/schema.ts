/** @file What a run's configuration may say: one zod schema, from which the types come. Sizes are [height, width]. */
import {z} from 'zod';
import {distillSchema} from './distillSchema.js';
import {modelSchema} from './modelSchema.js';
import {trainSchema} from './trainSchema.js';
import {count, fraction, path, positive} from './values.js';

const split = z.strictObject({
  annotations: path,
  images: path.describe('a folder, a zip archive, or a folder in one'),
  detections: path.nullable().default(null).describe("detector boxes in COCO's result format"),
  headBoxes: path
    .nullable()
    .default(null)
    .describe("MPII: HRNet's gt_valid.mat, whose head boxes PCKh measures by"),
});

const boxJitter = z
  .strictObject({
    probability: fraction.default(0).describe('0.3 in RTMPose'),
    shift: z.number().nonnegative().default(0.16).describe('largest shift, as a share of the region’s size'),
  })
  .prefault({});

const photometric = z
  .strictObject({
    probability: fraction.default(0).describe('of each of the changes by itself; 0.5 in RTMW'),
    brightness: z.number().min(0).max(255).default(32).describe('largest change, in grey levels'),
    contrast: fraction.default(0.5).describe('largest change of the factor around 1'),
    saturation: fraction.default(0.5).describe('largest change of the factor around 1'),
    hue: z.number().min(0).max(180).default(36).describe('largest change, in degrees'),
    swapChannels: z.boolean().default(true).describe('also put the channels into another order'),
  })
  .prefault({});

const blur = z
  .strictObject({
    box: fraction.default(0).describe('probability of a blur by means; 0.1 in RTMPose'),
    median: fraction.default(0).describe('probability of a blur by medians; 0.1 in RTMPose'),
    maxKernel: positive
      .refine((side) => side >= 3 && side % 2 === 1, 'expected an odd number of at least 3')
      .default(7)
      .describe('largest side of the square, in input pixels'),
  })
  .prefault({});

const coarseDropout = z
  .strictObject({
    probability: fraction
      .default(0)
      .describe('of one black rectangle; 1 in RTMPose, 0.5 in its second stage'),
    minSize: fraction.default(0.2).describe('of its sides, as a share of the input’s'),
    maxSize: fraction.default(0.4).describe('of its sides, as a share of the input’s'),
  })
  .refine(({minSize, maxSize}) => minSize <= maxSize, 'expected minSize to be at most maxSize')
  .prefault({});

const augment = z.strictObject({
  flip: fraction.default(0.5),
  rotation: z
    .number()
    .nonnegative()
    .default(45)
    .describe('standard deviation in degrees, clipped at twice it'),
  rotationProbability: fraction.default(0.6),
  scale: fraction.default(0.35).describe('standard deviation of the factor around 1, clipped at once it'),
  halfBody: z.strictObject({probability: fraction.default(0.3), minKeypoints: count.default(8)}).prefault({}),
  boxJitter: boxJitter.describe('move the region about, as a detector’s box would be'),
  photometric: photometric.describe('change brightness, contrast, saturation, hue and the order of channels'),
  blur: blur.describe('blur the input'),
  coarseDropout: coarseDropout.describe('cover a part of the input'),
});

const finalAugment = augment
  .extend({epochs: positive.describe('at the end of the training; 30 in RTMPose')})
  .nullable()
  .default(null)
  .describe('another augmentation for the last epochs, with the same defaults; null: none');

const annotationType = z
  .string()
  .min(1)
  .default('coco')
  .describe('format of the annotations: coco, mpii or wholebody');
const keypointSet = z
  .string()
  .min(1)
  .default('coco17')
  .describe('a keypoint set of configs/keypoints, or a file');
const category = z
  .string()
  .min(1)
  .nullable()
  .default(null)
  .describe('of the people, by its name in the annotations; null: person, or the only one');
const weight = z.number().nonnegative().default(1).describe('how often each person is seen in an epoch');

/** A further set to train on. */
const source = z.strictObject({
  type: annotationType,
  root: path,
  annotations: path,
  images: path,
  keypoints: keypointSet,
  category,
  weight,
  map: z
    .record(z.string(), z.string().nullable())
    .default({})
    .describe("dataset.keypoints' names -> this set's, where they differ; null: not taken"),
});

const dataset = z.strictObject({
  type: annotationType,
  root: path,
  keypoints: keypointSet,
  category,
  train: split,
  val: split,
  weight,
  sources: z.array(source).default([]).describe('further sets to train on'),
  useGroundTruthBoxes: z.boolean().default(true),
  detectionScoreThreshold: z.number().default(0),
  boxPadding: z.number().positive().default(1.25),
  onMissing: z
    .enum(['error', 'skip'])
    .default('error')
    .describe(
      'images that are missing: error: they are bad, and none may be missing in val; skip: any number may be',
    ),
  maxBadFraction: fraction
    .default(0.001)
    .describe('a run stops when a larger share of the images, annotations or training samples is bad'),
  limit: positive.nullable().default(null).describe('use only the first so many images of each split'),
  augment: augment.prefault({}),
  finalAugment,
});

const loader = z.strictObject({
  workers: count.default(1).describe('worker threads; 0 decodes in the main thread'),
  prefetch: positive
    .default(2)
    .describe('batches prepared ahead of the one in use; as many threads can be busy'),
  timeoutSeconds: z
    .number()
    .positive()
    .default(60)
    .describe('how long one image may take to be read before the run stops'),
});

const pckNormalizer = z.union(
  [z.enum(['box', 'torso', 'head']), z.tuple([z.string().min(1), z.string().min(1)]), z.number().positive()],
  'expected box, torso, head, two keypoints as [a, b], or a number of pixels',
);

/** Settings of PCK, its area under the curve, and the end-point error. */
const pck = z.strictObject({
  threshold: z.number().positive().default(0.2).describe('errors of at most so many lengths are right'),
  normalizer: pckNormalizer
    .default('box')
    .describe(
      "a person's length: box (its longer side), torso (left shoulder to right hip), head (its top to the neck), " +
        '[a, b] (between two keypoints), or a number of pixels',
    ),
});

const evaluation = z.strictObject({
  batchSize: positive.default(32),
  flipTest: z.boolean().default(true),
  shiftHeatmap: z
    .boolean()
    .nullable()
    .default(null)
    .describe(
      'line the flipped output up with the other by whole cells; null: as published, msra and dark do, udp need not',
    ),
  rescore: z
    .boolean()
    .default(true)
    .describe("a person's score: the box's times the mean of the keypoints'; false: the box's alone"),
  keypointThreshold: z.number().default(0.2).describe('keypoints above it enter the rescoring of a person'),
  nms: z
    .enum(['oks', 'softOks', 'none'])
    .default('oks')
    .describe('of people found twice: drop them, let their scores fall (Gaussian), or keep all'),
  oksNms: z
    .number()
    .positive()
    .default(0.9)
    .describe('oks: people more similar than this are one; softOks: how gently scores fall'),
  metrics: z
    .array(z.enum(['oks', 'pck', 'auc', 'epe', 'pckh']))
    .min(1)
    .refine((names) => new Set(names).size === names.length, 'expected each metric once')
    .default(['oks'])
    .describe('what is reported; the first decides which checkpoint is the best, unless eval.primary does'),
  primary: z
    .enum(['AP', 'PCK', 'AUC', 'EPE', 'PCKh'])
    .nullable()
    .default(null)
    .describe("the figure of the best checkpoint; null: the first metric's own"),
  overlapIou: fraction
    .refine((iou) => iou > 0, 'expected more than 0')
    .nullable()
    .default(null)
    .describe(
      'with oks: AP_overlap and AR_overlap, of the people alone whose box overlaps another so much; null: not measured',
    ),
  pck: pck.prefault({}),
});

export const configSchema = z.strictObject({
  name: z.string().min(1).describe("the experiment's name: its folder below `output`"),
  output: path.default('output'),
  seed: z.number().int().nonnegative().default(0),
  backend: z.enum(['torch', 'tensorflow', 'cpu']).default('torch'),
  device: z.enum(['auto', 'cpu', 'cuda']).default('auto'),
  tf32: z.boolean().default(false).describe('on a GPU: float32 products of operands rounded to 10 bits'),
  deterministic: z
    .boolean()
    .default(false)
    .describe('on a GPU: the same run gives the same bits, more slowly; a CPU always does'),
  threads: positive.max(1024).nullable().default(null).describe('null: as many as the machine has cores'),
  model: modelSchema,
  distill: distillSchema
    .nullable()
    .default(null)
    .describe('a teacher, and how the model learns from it; null: it learns from the labels alone'),
  dataset,
  loader: loader.prefault({}),
  train: trainSchema.prefault({}),
  eval: evaluation.prefault({}),
});

export type Config = z.infer<typeof configSchema>;
export type TrainConfig = Config['train'];
export type DatasetConfig = Config['dataset'];
export type DatasetSource = DatasetConfig['sources'][number];
export type AugmentConfig = DatasetConfig['augment'];
export type BoxJitterConfig = AugmentConfig['boxJitter'];
export type PhotometricConfig = AugmentConfig['photometric'];
export type CoarseDropoutConfig = AugmentConfig['coarseDropout'];
