/** @file What a configuration may say of training itself: optimiser, schedule, average of the weights, divergence. */
import {z} from 'zod';
import {count, fraction, positive} from './values.js';

const decay = z.number().min(0).lt(1);

/** What is set for the parameters of some names; of several groups that name one, the last counts, key by key. */
const parameterGroup = z.strictObject({
  match: z
    .string()
    .min(1)
    .describe("published names of parameters, or backbone.… and head.…; * stands for anything: 'stage4.*'"),
  learningRateFactor: z.number().positive().optional().describe('times the learning rate'),
  weightDecay: z.number().nonnegative().optional().describe('for all of them, norms and biases too'),
  frozen: z.boolean().optional().describe('not trained; statistics of their batch norms stay as they are'),
});

const optimizer = z.strictObject({
  type: z
    .enum(['adam', 'adamw', 'sgd'])
    .default('adam')
    .describe(
      'adam: Kingma & Ba 2015; adamw: the same with decoupled weight decay (Loshchilov & Hutter 2019); sgd: with momentum',
    ),
  learningRate: z.number().positive().default(1e-3),
  betas: z.tuple([decay, decay]).default([0.9, 0.999]).describe('adam, adamw'),
  epsilon: z.number().positive().default(1e-8).describe('adam, adamw'),
  momentum: decay.default(0.9).describe('sgd'),
  nesterov: z.boolean().default(false).describe('sgd: look ahead by the momentum'),
  weightDecay: z
    .number()
    .nonnegative()
    .default(0)
    .describe(
      'adamw: apart from the gradients, none on norms and biases; adam, sgd: in the gradients of all',
    ),
  layerDecay: z
    .number()
    .positive()
    .max(1)
    .default(1)
    .describe('factor of the learning rate from each stage of the backbone to the one before it'),
  groups: z.array(parameterGroup).default([]).describe('other settings for parameters, by their names'),
});

const milestones = z
  .array(z.number().positive())
  .refine(
    (epochs) => epochs.every((epoch, i) => i === 0 || epoch > epochs[i - 1]),
    'expected ascending epochs',
  );

const schedule = z
  .strictObject({
    type: z
      .enum(['multiStep', 'cosine', 'flatThenCosine', 'poly', 'constant'])
      .default('multiStep')
      .describe('how the learning rate falls over the run'),
    milestones: milestones
      .default([170, 200])
      .describe('multiStep: where it drops, in epochs; fractions allowed'),
    gamma: z.number().positive().default(0.1).describe('multiStep: factor of every drop'),
    floor: fraction.default(0).describe('cosine, flatThenCosine, poly: what is left at the end, as a share'),
    flat: decay.default(0.5).describe('flatThenCosine: share of the run before it begins to fall'),
    power: z.number().positive().default(0.9).describe('poly: of the share of the run that is left'),
    warmupSteps: count.default(0),
    warmupEpochs: z.number().nonnegative().default(0).describe('instead of warmupSteps; fractions allowed'),
    warmupFactor: fraction.default(0.001).describe('of the learning rate, at the first step of the warm-up'),
  })
  .refine(
    ({warmupSteps, warmupEpochs}) => warmupSteps === 0 || warmupEpochs === 0,
    'expected warmupSteps or warmupEpochs, not both',
  );

const ema = z.strictObject({
  decay: decay
    .default(0)
    .describe('share of the average that stays at a step, 0.9998 in MMPose; 0: no average'),
  warmup: z
    .number()
    .nonnegative()
    .default(2000)
    .describe('steps after which what the average forgets at once has fallen to a third; 0: none'),
});

const onNonFinite = z.strictObject({
  policy: z
    .enum(['stop', 'skip', 'rollback'])
    .default('stop')
    .describe(
      'stop: end the run; skip: leave the batch out; rollback: back to the newest checkpoint, then leave out the ' +
        'batch and the one before it',
    ),
  limit: positive
    .default(3)
    .describe('skip: bad steps in a row that are borne; rollback: how often in a run'),
});

const cadence = z.union(
  [positive, z.string().regex(/^[1-9]\d{0,8} (epochs?|steps?|minutes?)$/)],
  'expected a number of epochs, or for example "500 steps" or "15 minutes"',
);

export const trainSchema = z.strictObject({
  epochs: positive.default(210),
  batchSize: positive.default(32),
  accumulate: positive.default(1).describe('batches whose mean gradient makes one step'),
  clipGradNorm: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('longest gradient, over all parameters together; longer ones are scaled down to it'),
  precision: z
    .enum(['fp32', 'bf16'])
    .default('fp32')
    .describe('bf16: convolutions in bfloat16, weights, statistics and loss in float32'),
  shuffle: z.boolean().default(true),
  optimizer: optimizer.prefault({}),
  schedule: schedule.prefault({}),
  ema: ema.prefault({}).describe('average of the weights over the steps, which is then what is validated'),
  onNonFinite: onNonFinite
    .prefault({})
    .describe('what becomes of a step whose loss or gradients are not numbers'),
  evaluateEvery: positive
    .default(1)
    .describe('epochs between validations; the last epoch is always validated'),
  logEvery: positive.default(20).describe('steps between lines of metrics.jsonl'),
  checkpointEvery: cadence
    .default(1)
    .describe(
      'epochs between checkpoints, or "500 steps", "15 minutes"; also saved: the best and the last epoch',
    ),
  keepCheckpoints: positive.default(2),
  pictures: z
    .boolean()
    .default(true)
    .describe('draw the first training samples, and people of every validation'),
});
