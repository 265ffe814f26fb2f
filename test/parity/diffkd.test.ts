/** @file DiffKD against the official PyTorch code with every noise given: losses, refined features, gradients. */
import {existsSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {loadWeights} from '../../src/checkpoint/weights.js';
import {valueAndGradients} from '../../src/engine/gradients.js';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {loadStateDict} from '../../src/nn/stateDict.js';
import {DiffKd} from '../../src/tasks/distill/diffkd.js';
import type {TensorDraws} from '../../src/tasks/distill/draws.js';
import {type LossTerm, summed} from '../../src/tasks/distill/method.js';
import {expectNorms, largestError, Reference} from './reference.js';

const REFERENCE = new Reference('diffkd/diffkd_thin');
const WEIGHTS = REFERENCE.weights;

interface Mode {
  readonly gamma: number[];
  readonly kd_loss: number;
  readonly diffusion_loss: number;
  readonly reconstruction_loss: number;
  readonly grad_l2_of_sum: Record<string, number>;
}

interface Fixture {
  readonly student_channels: number;
  readonly teacher_channels: number;
  readonly latent_channels: number;
  readonly inference_steps: number;
  readonly timesteps_of_diffusion_loss: number[];
  readonly evaluation_mode_float64: Mode;
  readonly training_mode_float64: Mode;
}

const readFixture = () => REFERENCE.facts() as unknown as Fixture;

async function officialMethod(fixture: Fixture): Promise<DiffKd> {
  const {student_channels: student, teacher_channels: teacher} = fixture;
  const method = new DiffKd(
    {student, teacher},
    {
      latentChannels: fixture.latent_channels,
      steps: fixture.inference_steps,
      normalizesProjection: false,
      weights: {distillation: 1, diffusion: 1, reconstruction: 1},
    },
  );
  loadStateDict(method, await loadWeights(WEIGHTS), WEIGHTS);
  return method;
}

/** The fixture's noise and times, in the order in which a step asks for them. */
function officialDraws({timesteps_of_diffusion_loss: times}: Fixture): TensorDraws {
  const noises = ['start_noise', 'diffusion_noise'].map((name) => REFERENCE.maps(name));
  return {normal: () => noises.shift()!, uniform: () => times.map((time) => (time + 0.5) / 1000)};
}

const MODES = ['evaluation', 'training'] as const;
const CASES = (['torch', 'cpu'] as const).flatMap((backend) =>
  MODES.map((mode): [(typeof MODES)[number], BackendName] => [mode, backend]),
);

describe.skipIf(!existsSync(WEIGHTS))("DiffKD's official code (needs the reference data)", () => {
  it.each(CASES)('has the same losses and gradients in %s mode on %s', async (mode, backend) => {
    await selectBackend({backend});
    const fixture = readFixture();
    const expected = fixture[`${mode}_mode_float64`];
    const method = (await officialMethod(fixture)).train(mode === 'training');
    const [student, teacher] = [REFERENCE.maps('student'), REFERENCE.maps('teacher')];
    const named = method.namedParameters();
    let terms: LossTerm[] = [];
    const {gradients} = valueAndGradients(() => {
      const step = {
        student: {features: student, outputs: []},
        teacher: {features: teacher, outputs: []},
        draws: officialDraws(fixture),
        progress: 0,
      };
      terms = method.distill(step).terms;
      for (const {loss} of terms) tf.keep(loss);
      return summed(terms).value;
    }, [...named.values()]);
    const losses = {
      distillation: expected.kd_loss,
      diffusion: expected.diffusion_loss,
      reconstruction: expected.reconstruction_loss,
    };
    expect(terms.map(({name}) => name)).toEqual(Object.keys(losses));
    Object.values(losses).forEach((value, i) => {
      expect(Math.abs(terms[i].loss.dataSync()[0] / value - 1), terms[i].name).toBeLessThan(1e-4);
    });
    const byName = new Map([...named.keys()].map((name, i) => [name, gradients[i]]));
    expectNorms(byName, expected.grad_l2_of_sum, 1e-3, 1e-5);
    const {agent} = method;
    const gamma = agent.noise_adapter!.forward(agent.trans.forward(student)).dataSync();
    expected.gamma.forEach((share, i) => {
      expect(gamma[i]).toBeCloseTo(share, 5);
    });
  });

  it.each<BackendName>(['torch', 'cpu'])(
    'refines the same features in evaluation mode on %s',
    async (backend) => {
      await selectBackend({backend});
      const fixture = readFixture();
      const {agent} = (await officialMethod(fixture)).eval();
      const refined = agent.refine(REFERENCE.maps('student'), officialDraws(fixture));
      expect(largestError(refined, REFERENCE.maps('eval_refined'))).toBeLessThan(1e-4);
    },
  );
});
