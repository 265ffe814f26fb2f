/** @file The factor of a method's weights along a training. */
import {describe, expect, it} from 'vitest';
import {distillSchema} from '../../../src/config/distillSchema.js';
import {factorAt} from '../../../src/tasks/distill/schedule.js';

const parse = (schedule: Record<string, unknown> | null) =>
  distillSchema.safeParse({
    ...{teacher: {config: 't.yaml', checkpoint: 't'}, method: {type: 'feature'}},
    schedule,
  });

/** The factors after 0, 0.25, 0.5, 0.75 and all of the training. */
const factors = (schedule: Record<string, unknown> | null) =>
  [0, 0.25, 0.5, 0.75, 1].map((progress) => factorAt(parse(schedule).data!.schedule, progress));

describe('the factor of the weights', () => {
  it.each([
    ['stays', null, [1, 1, 1, 1, 1]],
    ['falls to nothing', {}, [1, 0.75, 0.5, 0.25, 0]],
    ['falls to a part', {to: 0.2}, [1, 0.8, 0.6, 0.4, 0.2]],
    ['rises at first', {from: 0, to: 2, end: 0.5}, [0, 1, 2, 2, 2]],
    ['falls at last', {begin: 0.5}, [1, 1, 1, 0.5, 0]],
    ['falls in half a wave', {shape: 'cosine'}, [1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2, 0]],
  ])('%s', (_, schedule, expected) => {
    factors(schedule).forEach((factor, i) => {
      expect(factor).toBeCloseTo(expected[i], 12);
    });
  });

  it('needs time to change in', () => {
    const {error} = parse({begin: 0.5, end: 0.5});
    expect(error?.issues).toMatchObject([{path: ['schedule', 'end'], message: 'expected more than begin'}]);
  });
});
