/** @file The learning rate over the steps of a run. */
import {describe, expect, it} from 'vitest';
import {learningRateAt} from '../../src/train/schedules.js';

type Schedule = Parameters<typeof learningRateAt>[0];

const BASE = 1e-3;
const STEPS_PER_EPOCH = 10;
const PLAIN: Schedule = {type: 'multiStep', milestones: [], gamma: 0.1, warmupSteps: 0, warmupFactor: 0.001};

function rates(schedule: Partial<Schedule>, steps: readonly number[]): number[] {
  return steps.map((step) => learningRateAt({...PLAIN, ...schedule}, BASE, step, STEPS_PER_EPOCH));
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
});
