/** @file The learning rate over the steps of a run. */
import {describe, expect, it} from 'vitest';
import {learningRateAt} from '../../src/train/schedules.js';
import {trainConfig} from './steps.js';

type Schedule = Parameters<typeof learningRateAt>[0];

const BASE = 1e-3;
const STEPS_PER_EPOCH = 10;
/** A hundred steps. */
const LENGTH = {epochs: 10, stepsPerEpoch: STEPS_PER_EPOCH};
const PLAIN: Schedule = {...trainConfig().schedule, milestones: []};

function rates(schedule: Partial<Schedule>, steps: readonly number[]): number[] {
  return steps.map((step) => learningRateAt({...PLAIN, ...schedule}, BASE, step, LENGTH));
}

function expectShares(schedule: Partial<Schedule>, shares: Readonly<Record<number, number>>): void {
  const steps = Object.keys(shares).map(Number);
  rates(schedule, steps).forEach((rate, i) => {
    expect(rate / BASE, `step ${steps[i]}`).toBeCloseTo(shares[steps[i]], 10);
  });
}

describe('learningRateAt', () => {
  it('stays at the base without warm-up and milestones', () => {
    expect(rates({}, [0, 1, 999])).toEqual([BASE, BASE, BASE]);
  });

  it('drops at the first step of each milestone epoch', () => {
    const found = rates({milestones: [2, 3]}, [19, 20, 29, 30]);
    [BASE, BASE * 0.1, BASE * 0.1, BASE * 0.01].forEach((rate, i) => {
      expect(found[i]).toBeCloseTo(rate, 12);
    });
  });

  it('takes milestones inside an epoch', () => {
    expect(rates({milestones: [0.5], gamma: 0.5}, [4, 5])).toEqual([BASE, BASE / 2]);
  });

  it('rises in a straight line from the warm-up factor to the base', () => {
    const found = rates({warmupSteps: 4, warmupFactor: 0.2}, [0, 1, 2, 3, 4, 5]);
    [0.2, 0.4, 0.6, 0.8, 1, 1].forEach((share, i) => {
      expect(found[i]).toBeCloseTo(share * BASE, 12);
    });
  });

  it('warms up over a drop', () => {
    const [rate] = rates({milestones: [0.1], warmupSteps: 4, warmupFactor: 0}, [2]);
    expect(rate).toBeCloseTo(BASE * 0.1 * 0.5, 12);
  });

  it('counts the warm-up in epochs, too', () => {
    expectShares({type: 'constant', warmupEpochs: 0.5, warmupFactor: 0}, {0: 0, 1: 0.2, 4: 0.8, 5: 1, 99: 1});
  });

  // Loshchilov & Hutter 2017, eq. 5: floor + (1 − floor)·(1 + cos(π·t/T))/2; cos(π/3) = 1/2.
  it('falls along half a wave', () => {
    expectShares({type: 'cosine'}, {0: 1, 25: (1 + Math.SQRT1_2) / 2, 50: 0.5, 100: 0});
    expectShares({type: 'cosine', floor: 0.2}, {0: 1, 50: 0.6, 75: 0.2 + 0.4 * (1 - Math.SQRT1_2), 100: 0.2});
  });

  // RTMPose: constant for half of the run, then a cosine to a twentieth.
  it('stays flat, and then falls along half a wave', () => {
    const rtmpose = {type: 'flatThenCosine', flat: 0.5, floor: 0.05} as const;
    expectShares(rtmpose, {0: 1, 49: 1, 50: 1, 75: 0.525, 100: 0.05});
    const third = 50 + 50 / 3;
    expect(learningRateAt({...PLAIN, ...rtmpose}, 1, third, LENGTH)).toBeCloseTo(0.05 + 0.95 * 0.75, 10);
  });

  // MMEngine's PolyLR: (1 − floor)·(1 − t/T)^power + floor.
  it('falls by a power of what is left', () => {
    expectShares({type: 'poly', power: 2}, {0: 1, 50: 0.25, 90: 0.01, 100: 0});
    expectShares({type: 'poly', power: 1, floor: 0.1}, {0: 1, 50: 0.55, 100: 0.1});
    expectShares({type: 'poly', power: 0.9}, {75: 0.25 ** 0.9});
  });

  it.each(['cosine', 'flatThenCosine', 'poly'] as const)('of %s is at the floor after the run', (type) => {
    expectShares({type, floor: 0.1}, {100: 0.1, 150: 0.1});
  });
});
