/** @file What a run's configuration may say of distillation: the teacher, and the way in which the student learns from it. */
import {z} from 'zod';
import {fraction, path, positive} from './values.js';

const weight = z.number().nonnegative();
/** The agent's narrowest layers have an eighth of it. */
const latent = positive.min(8);

const latentChannels = latent
  .nullable()
  .default(null)
  .describe("width of the space in which the agent works; null: half of the teacher's features");
const steps = positive.max(100).default(5).describe('of denoising');
const sharpness = z
  .number()
  .positive()
  .default(10)
  .describe('factor of the outputs before their softmax; that of the head’s own loss in RTMPose');
const distillation = weight.default(1).describe("of the distance of refined features from the teacher's");
const diffusion = weight.default(1).describe('of the denoiser’s own loss');
const reconstruction = weight.default(1).describe('of the autoencoder’s own loss');

const feature = z.strictObject({
  type: z.literal('feature'),
  weight: weight
    .default(1)
    .describe("of the mean square between the teacher's features and the projected student's"),
});

const logit = z.strictObject({
  type: z.literal('logit'),
  loss: z
    .enum(['divergence', 'squares'])
    .default('divergence')
    .describe('divergence: of the distributions over bins, or cells of a heatmap; squares: for heatmaps'),
  sharpness,
  weight: weight.default(1),
});

const dwpose = z.strictObject({
  type: z.literal('dwpose'),
  stage: z.literal([1, 2]).default(1).describe('1: features and outputs, less and less; 2: outputs alone'),
  featureWeight: weight.default(7e-5).describe('of squares that are summed over cells and channels'),
  logitWeight: weight
    .nullable()
    .default(null)
    .describe('null: as published, 0.1 in stage 1 and 1 in stage 2'),
  sharpness,
});

const diffkd = z.strictObject({
  type: z.literal('diffkd'),
  latentChannels,
  steps,
  normalizeProjection: z
    .boolean()
    .default(true)
    .describe(
      'whether denoised features are normalised once they are projected; in DiffKD’s first code they were not',
    ),
  weights: z.strictObject({distillation, diffusion, reconstruction}).prefault({}),
});

const agentpose = z.strictObject({
  type: z.literal('agentpose'),
  latentChannels,
  autoencoder: z
    .boolean()
    .default(true)
    .describe("false: the agent works on all of the teacher's channels, and latentChannels says nothing"),
  sampler: z
    .enum(['eulerMaruyama', 'reverseDiffusion', 'ancestral', 'ode', 'ddim'])
    .default('eulerMaruyama')
    .describe('ode and ddim are deterministic'),
  steps,
  start: z
    .number()
    .positive()
    .max(1)
    .default(0.4)
    .describe(
      'the time at which the student’s features enter; with learnStart the latest, and half of it at first',
    ),
  learnStart: z.boolean().default(true).describe('predict the time for each image'),
  normalizeStudent: z
    .boolean()
    .default(false)
    .describe(
      'give the student’s features unit variance in the latent space, as the SDE takes them to have; without, they can outgrow the noise',
    ),
  perturbStudent: z.boolean().default(true).describe('add the noise of that time to the student’s features'),
  refine: z
    .boolean()
    .default(true)
    .describe('train the head on what the agent makes of the features, too: for inference with the agent'),
  weights: z
    .strictObject({
      distillation,
      diffusion,
      reconstruction,
      intermediate: weight.default(0).describe('of the same distance at the steps before the last'),
      refined: weight.default(1).describe('of the task’s loss on refined features'),
    })
    .prefault({}),
});

const method = z.discriminatedUnion('type', [feature, logit, dwpose, diffkd, agentpose], {
  error: ({code}) =>
    code === 'invalid_union' ? 'expected feature, logit, dwpose, diffkd or agentpose' : undefined,
});

const schedule = z
  .strictObject({
    shape: z.enum(['linear', 'cosine']).default('linear').describe('of the way between them'),
    from: weight.default(1).describe('factor of the weights up to `begin`'),
    to: weight.default(0).describe('factor of the weights from `end` on'),
    begin: fraction.default(0).describe('share of the epochs after which it begins to change'),
    end: fraction.default(1).describe('share of the epochs after which it has changed'),
  })
  .refine(({begin, end}) => begin < end, {path: ['end'], message: 'expected more than begin'});

const tap = path
  .nullable()
  .default(null)
  .describe('a layer of the backbone by the name of its weights; null: the features that the head gets');

export const distillSchema = z
  .strictObject({
    teacher: z.strictObject({
      config: path.describe('the recipe of the teacher, or the config.yaml of its run'),
      checkpoint: path.describe(
        'its weights: checkpoints/best of its run, a folder, a .safetensors or .pth file',
      ),
    }),
    method,
    schedule: schedule
      .nullable()
      .default(null)
      .describe('how the weights of what the method asks of the student change; null: they stay'),
    taps: z.strictObject({student: tap, teacher: tap}).prefault({}),
    cache: z
      .boolean()
      .default(false)
      .describe('keep what the teacher gives for each person on disk; where augmentation changes no image'),
    inference: z
      .enum(['student', 'agent'])
      .default('student')
      .describe('student: the student alone; agent: its features pass through the agent'),
  })
  .refine(
    ({method, inference}) => inference === 'student' || (method.type === 'agentpose' && method.refine),
    {
      path: ['inference'],
      message: 'expected student, or distill.method.type=agentpose with refine=true',
    },
  )
  .refine(({method, taps}) => taps.student === null || method.type !== 'agentpose' || !method.refine, {
    path: ['taps', 'student'],
    message: 'expected null, or distill.method.refine=false: what is refined goes to the head',
  });

export type DistillConfig = z.infer<typeof distillSchema>;
export type DistillMethodConfig = DistillConfig['method'];
