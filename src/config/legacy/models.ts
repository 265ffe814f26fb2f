/** @file The models of HRNet's files: what MODEL.EXTRA says of each family, and what that is here. A family is a row of the table. */
import {z} from 'zod';

/** A value of ours, and the keys of HRNet that it comes from. */
export interface Setting {
  readonly path: string;
  readonly value: unknown;
  readonly keys: readonly string[];
}

export interface LegacyFamily {
  /** The keys of MODEL.EXTRA. */
  readonly extra: z.ZodObject;
  /** @param extra MODEL.EXTRA as the schema above gives it back */
  settings(extra: unknown): Setting[];
}

const lists = (count: number, of: 'branch' | 'deconvolution' = 'branch') =>
  z.array(z.number().int().positive()).length(count, `expected ${count} numbers, one for each ${of}`);

function stage(branches: number) {
  return z.strictObject({
    NUM_MODULES: z.number().int().positive(),
    NUM_BRANCHES: z.literal(branches).default(branches),
    NUM_BLOCKS: lists(branches),
    NUM_CHANNELS: lists(branches),
    BLOCK: z.literal('BASIC', 'only BASIC blocks are there yet').default('BASIC'),
    FUSE_METHOD: z.literal('SUM', 'only SUM is there, as in HRNet').default('SUM'),
  });
}

const hrnetExtra = z.strictObject({
  PRETRAINED_LAYERS: z.array(z.string()).default(['*']),
  STEM_INPLANES: z.number().int().default(64),
  FINAL_CONV_KERNEL: z.number().int().default(1),
  STAGE2: stage(2),
  STAGE3: stage(3),
  STAGE4: stage(4),
});

function headSettings(kernel: number): Setting[] {
  return [
    {path: 'model.head.type', value: 'heatmap', keys: ['MODEL.NAME']},
    {path: 'model.head.finalConvKernel', value: kernel, keys: ['MODEL.EXTRA.FINAL_CONV_KERNEL']},
  ];
}

const STAGES = ['STAGE2', 'STAGE3', 'STAGE4'] as const;

const hrnet: LegacyFamily = {
  extra: hrnetExtra,
  settings(extra) {
    const values = hrnetExtra.parse(extra);
    const key = (name: string) => `MODEL.EXTRA.${name}`;
    return [
      {
        path: 'model.name',
        value: `hrnet_w${values.STAGE4.NUM_CHANNELS[0]}`,
        keys: ['MODEL.NAME', key('STAGE4.NUM_CHANNELS')],
      },
      {path: 'model.backbone.type', value: 'hrnet', keys: ['MODEL.NAME']},
      ...STAGES.flatMap((name) => {
        const {NUM_MODULES, NUM_BLOCKS, NUM_CHANNELS} = values[name];
        const below = `model.backbone.${name.toLowerCase()}`;
        return [
          {path: `${below}.modules`, value: NUM_MODULES, keys: [key(`${name}.NUM_MODULES`)]},
          {path: `${below}.blocks`, value: NUM_BLOCKS, keys: [key(`${name}.NUM_BLOCKS`)]},
          {path: `${below}.channels`, value: NUM_CHANNELS, keys: [key(`${name}.NUM_CHANNELS`)]},
        ];
      }),
      ...headSettings(values.FINAL_CONV_KERNEL),
    ];
  },
};

/** SimpleBaseline; kernels of 4 are all that its published files have. */
const resnetExtra = z.strictObject({
  NUM_LAYERS: z.literal([18, 34, 50, 101, 152]).default(50),
  NUM_DECONV_LAYERS: z.literal(3, 'expected 3, so that heatmaps are a quarter of the input').default(3),
  NUM_DECONV_FILTERS: lists(3, 'deconvolution').default([256, 256, 256]),
  NUM_DECONV_KERNELS: z.array(z.literal(4, 'only kernels of 4 are there')).length(3).default([4, 4, 4]),
  DECONV_WITH_BIAS: z.literal(false, 'only deconvolutions without bias are there').default(false),
  FINAL_CONV_KERNEL: z.number().int().default(1),
});

const resnet: LegacyFamily = {
  extra: resnetExtra,
  settings(extra) {
    const values = resnetExtra.parse(extra);
    const key = (name: string) => `MODEL.EXTRA.${name}`;
    return [
      {
        path: 'model.name',
        value: `simple_baseline_${values.NUM_LAYERS}`,
        keys: ['MODEL.NAME', key('NUM_LAYERS')],
      },
      {path: 'model.backbone.type', value: 'resnet', keys: ['MODEL.NAME']},
      {path: 'model.backbone.layers', value: values.NUM_LAYERS, keys: [key('NUM_LAYERS')]},
      {
        path: 'model.backbone.deconvolution',
        value: values.NUM_DECONV_FILTERS,
        keys: [
          key('NUM_DECONV_FILTERS'),
          ...['NUM_DECONV_LAYERS', 'NUM_DECONV_KERNELS', 'DECONV_WITH_BIAS'].map(key),
        ],
      },
      ...headSettings(values.FINAL_CONV_KERNEL),
    ];
  },
};

/** MODEL.NAME -> the family. */
export const LEGACY_FAMILIES: Readonly<Record<string, LegacyFamily>> = {
  pose_hrnet: hrnet,
  pose_resnet: resnet,
};
