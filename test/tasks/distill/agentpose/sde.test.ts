/** @file The variance-preserving SDE: values worked out in double precision, and its marginals by simulation. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {type BackendName, selectBackend} from '../../../../src/engine/index.js';
import {stream} from '../../../../src/random.js';
import * as sde from '../../../../src/tasks/distill/agentpose/sde.js';
import {tensorDraws} from '../../../../src/tasks/distill/draws.js';

const numberOf = (tensor: tf.Tensor): number => tensor.dataSync()[0];

/** t, mean's factor, deviation. */
const MARGINALS = [
  [0.001, 0.999945, 0.010485],
  [0.05, 0.985174, 0.171561],
  [0.1, 0.946722, 0.322053],
  [0.2, 0.811395, 0.584498],
  [0.4, 0.442197, 0.896918],
  [0.5, 0.281183, 0.959654],
  [1, 0.006572, 0.999978],
] as const;

describe.each<BackendName>(['torch', 'cpu'])('the VP-SDE on %s', (backend) => {
  it.each(MARGINALS)('at t = %d scales by %d and adds noise of deviation %d', async (t, mean, deviation) => {
    await selectBackend({backend});
    const marginal = sde.marginal(tf.scalar(t));
    expect(numberOf(marginal.mean)).toBeCloseTo(mean, 5);
    expect(Math.abs(numberOf(marginal.deviation) - deviation)).toBeLessThan(2e-6);
  });

  it('has the linear β, of which drift and diffusion are made', async () => {
    await selectBackend({backend});
    for (const [t, beta] of [
      [0, 0.1],
      [0.1, 2.09],
      [0.4, 8.06],
      [0.5, 10.05],
      [1, 20],
    ]) {
      const time = tf.scalar(t);
      expect(numberOf(sde.beta(time))).toBeCloseTo(beta, 5);
      expect(numberOf(sde.driftFactor(time))).toBeCloseTo(-beta / 2, 5);
      expect(numberOf(sde.diffusion(time))).toBeCloseTo(Math.sqrt(beta), 5);
    }
  });

  it('keeps divisors away from 0 and slopes finite at t = 0', async () => {
    await selectBackend({backend});
    expect(numberOf(sde.divisor(tf.scalar(1e-5)))).toBeCloseTo(0.01, 7);
    const slope = tf.grad((t) => sde.marginal(t).deviation)(tf.scalar(0));
    expect(Number.isFinite(numberOf(slope))).toBe(true);
  });
});

describe('its discretisation', () => {
  it('in a thousand steps is the chain of DDPM: βᵢ from 1e-4 to 0.02', async () => {
    await selectBackend({backend: 'torch'});
    for (const i of [0, 1, 250, 500, 998, 999]) {
      const variance = numberOf(sde.addedVariance(tf.scalar(i / 1000), tf.scalar((i + 1) / 1000)));
      const published = 1e-4 + ((0.02 - 1e-4) * i) / 999;
      // Exactly it is 1 − e^−β with the mean of β over the step, which is 1e-5 away from the chain's.
      expect(Math.abs(-Math.log1p(-variance) - published), `step ${i}`).toBeLessThan(1.2e-5);
    }
  });

  it('of any step leaves the marginals as they are', async () => {
    await selectBackend({backend: 'torch'});
    const [before, after] = [0.3, 0.8].map((t) => sde.marginal(tf.scalar(t)));
    const share = numberOf(sde.addedVariance(tf.scalar(0.3), tf.scalar(0.8)));
    const variance = (1 - share) * numberOf(before.deviation) ** 2 + share;
    expect(variance).toBeCloseTo(numberOf(after.deviation) ** 2, 6);
    expect(Math.sqrt(1 - share) * numberOf(before.mean)).toBeCloseTo(numberOf(after.mean), 6);
  });
});

it('simulated forwards by its drift and diffusion comes to its marginal', async () => {
  await selectBackend({backend: 'torch'});
  const [paths, steps, end, start] = [20_000, 400, 0.4, 2];
  const draws = tensorDraws(stream(5, 'test/forward'));
  let x: tf.Tensor4D = tf.fill([paths, 1, 1, 1], start);
  for (let i = 0; i < steps; i++) {
    x = tf.tidy(() => {
      const t = tf.scalar(((i + 0.5) * end) / steps);
      const moved = tf.add(x, tf.mul(x, tf.mul(sde.driftFactor(t), end / steps)));
      const noise = tf.mul(draws.normal(x.shape), tf.mul(sde.diffusion(t), Math.sqrt(end / steps)));
      return tf.add(moved, noise);
    });
  }
  const {mean, variance} = tf.moments(x);
  // Standard errors 0.0063 and 0.0045; Euler's own error is below 0.002.
  expect(Math.abs(numberOf(mean) - 2 * 0.442197)).toBeLessThan(0.025);
  expect(Math.abs(Math.sqrt(numberOf(variance)) - 0.896918)).toBeLessThan(0.02);
});
