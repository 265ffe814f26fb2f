/** @file What a run's configuration may say of its network: backbones, heads, what fits together. Sizes are [height, width]. */
import {z} from 'zod';
import {cspnext, rtmccHead, simccHead} from './rtmposeSchema.js';
import {fraction, path, positive} from './values.js';

const size = z.tuple([positive, positive]);

/** A stage has as many branches as its number says. */
function hrnetStage(branches: number) {
  const each = z.array(positive).length(branches, `expected ${branches} numbers, one for each branch`);
  return z.strictObject({
    modules: positive,
    blocks: each.describe('basic blocks of each branch'),
    channels: each.describe('width of each branch, highest resolution first'),
  });
}

/** One branch of bottlenecks at a quarter of the input's resolution. */
const hrnetStage1 = z
  .strictObject({
    blocks: positive.default(4).describe('bottlenecks'),
    channels: positive.default(64).describe('inner width of a bottleneck; its output is four times as wide'),
  })
  .prefault({});

const hrnet = z.strictObject({
  type: z.literal('hrnet'),
  stemChannels: positive.default(64).describe('width of the two convolutions before stage 1'),
  stage1: hrnetStage1,
  stage2: hrnetStage(2),
  stage3: hrnetStage(3),
  stage4: hrnetStage(4),
});

const resnet = z.strictObject({
  type: z.literal('resnet'),
  layers: z.literal([18, 34, 50, 101, 152]),
  channels: positive
    .default(64)
    .describe('width of the stem and of the first stage; each further stage is twice as wide'),
  deconvolution: z
    .array(positive)
    .max(4)
    .default([256, 256, 256])
    .describe('widths of the deconvolutions, each of which doubles the resolution'),
});

const hourglass = z.strictObject({
  type: z.literal('hourglass'),
  stacks: positive.max(16),
  channels: positive.min(2).default(256).describe('width of the features'),
});

const backbone = z.discriminatedUnion('type', [hrnet, resnet, hourglass, cspnext], {
  error: ({code}) => (code === 'invalid_union' ? 'expected hrnet, resnet, hourglass or cspnext' : undefined),
});

/** Height and width of the images are multiples of it: a backbone halves them so often, and adds up what comes back. */
export const INPUT_MULTIPLES: Readonly<Record<z.infer<typeof backbone>['type'], number>> = {
  hrnet: 32,
  resnet: 32,
  hourglass: 64,
  cspnext: 32,
};

const sigma = z.number().positive().default(2).describe('of the target Gaussian, in heatmap cells');
const heatmapCodec = z
  .enum(['msra', 'dark', 'udp'])
  .default('msra')
  .describe(
    'keypoints to heatmaps and back. msra: whole cells, as in HRNet; dark: between cells (Zhang et al. 2020); ' +
      'udp: the same in a geometry that mirroring keeps (Huang et al. 2020)',
  );

const heatmapHead = z.strictObject({
  type: z.literal('heatmap'),
  sigma,
  codec: heatmapCodec,
  finalConvKernel: positive.refine((size) => size % 2 === 1, 'expected an odd number').default(1),
  ohkm: positive
    .nullable()
    .default(null)
    .describe(
      'online hard keypoint mining: only so many keypoints of each person count, those of the greatest loss; 8 in CPN; ' +
        'null: all do',
    ),
});

/** Off-target perturbation of features, in training alone (PDM). */
const perturbation = z
  .strictObject({
    weight: z
      .number()
      .nonnegative()
      .default(0)
      .describe('of the perturbed heatmaps in the loss; 0: nothing is perturbed; 1 is a beginning'),
    neighbour: fraction
      .default(0.5)
      .describe(
        'how likely the place is a keypoint or the centre of somebody else in the crop; else background',
      ),
    otherImage: fraction
      .default(0.2)
      .describe('how likely the anchor is mixed with that of another image instead'),
    mixing: fraction.default(0.5).describe('largest share of the place in the anchor; drawn from 0 to it'),
    residue: z
      .number()
      .nonnegative()
      .default(0.3)
      .describe("largest factor of the place's features under the person; drawn from 0 to it"),
    residueSigma: z.number().positive().default(6).describe('of the Gaussian that these fade with, in cells'),
    jitter: z
      .number()
      .nonnegative()
      .default(0.05)
      .describe("deviation of the anchor's position, as a share of the heatmap's height"),
    consistency: z
      .number()
      .nonnegative()
      .default(0)
      .describe('weight of their distance from the heatmaps without perturbation; 0.1 is a beginning'),
  })
  .prefault({});

const rdposeHead = z
  .strictObject({
    type: z.literal('rdpose'),
    sigma,
    codec: heatmapCodec,
    decoupling: z
      .enum(['corrected', 'released', 'none'])
      .default('corrected')
      .describe(
        'corrected: RDPose without the mistakes of its code; released: digit by digit that code; none: a plain head with ' +
          'the centre as one more map',
      ),
    inference: z
      .enum(['decoupled', 'plain'])
      .default('decoupled')
      .describe(
        'decoupled: by way of the centre that was found; plain: the features as they are, at no cost',
      ),
    perturbation: perturbation.describe('in training: features of other places are mixed in'),
  })
  .refine(({decoupling, inference}) => decoupling !== 'none' || inference === 'plain', {
    path: ['inference'],
    message: 'expected plain where decoupling is none',
  })
  .refine(({decoupling, perturbation: {weight}}) => decoupling !== 'released' || weight === 0, {
    path: ['perturbation', 'weight'],
    message: 'expected 0 where decoupling is released: that code perturbs nothing',
  });

const head = z.discriminatedUnion('type', [heatmapHead, rdposeHead, simccHead, rtmccHead], {
  error: ({code}) => (code === 'invalid_union' ? 'expected heatmap, rdpose, simcc or rtmcc' : undefined),
});

/** What is wrong with a head on a backbone; null if they fit. */
export function headMisfit(on: z.infer<typeof backbone>, {type}: z.infer<typeof head>): string | null {
  if (on.type !== 'hourglass' || on.stacks === 1) return null;
  if (type === 'heatmap' || type === 'rdpose') return null;
  return `stacked hourglasses are supervised by heatmaps, for which ${type} has no targets; expected heatmap, or model.backbone.stacks=1`;
}

const modelFields = z.strictObject({
  name: z.string().min(1),
  input: size,
  backbone,
  head,
  initialization: z
    .enum(['published', 'he'])
    .default('published')
    .describe('published: as in the code of the paper; he: He et al. 2015, which learns sooner from scratch'),
  weights: path.nullable().default(null).describe('.pth or .safetensors to start from'),
  weightsFor: z
    .enum(['all', 'backbone'])
    .default('all')
    .describe('backbone: the head begins as it does without a file'),
});

export const modelSchema = modelFields.superRefine(({input, backbone, head}, context) => {
  const misfit = headMisfit(backbone, head);
  if (misfit) context.addIssue({code: 'custom', path: ['head', 'type'], message: misfit});
  const {type} = backbone;
  const multiple = INPUT_MULTIPLES[type];
  if (input.every((side) => side % multiple === 0)) return;
  const message = `expected multiples of ${multiple} (height, width)`;
  context.addIssue({code: 'custom', path: ['input'], message});
});

export type ModelConfig = z.infer<typeof modelSchema>;
export type HRNetConfig = z.infer<typeof hrnet>;
export type ResNetConfig = z.infer<typeof resnet>;
export type HourglassConfig = z.infer<typeof hourglass>;
export type RdposeConfig = z.infer<typeof rdposeHead>;
export type PerturbationConfig = z.infer<typeof perturbation>;
export type CSPNeXtConfig = z.infer<typeof cspnext>;
export type SimccHeadConfig = z.infer<typeof simccHead>;
export type RtmccHeadConfig = z.infer<typeof rtmccHead>;
