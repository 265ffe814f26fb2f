/** @file How much of what a method asks of the student counts at a moment of the training. */
import type {DistillConfig} from '../../config/distillSchema.js';

/** From 0 at progress 0 to 1 at progress 1. */
const SHAPES = {
  linear: (progress: number) => progress,
  cosine: (progress: number) => (1 - Math.cos(Math.PI * progress)) / 2,
} as const;

/**
 * The factor of the weights of the terms that reach the student.
 * @param progress the share of the training that is over
 */
export function factorAt(schedule: DistillConfig['schedule'], progress: number): number {
  if (!schedule) return 1;
  const {shape, from, to, begin, end} = schedule;
  const along = Math.min(1, Math.max(0, (progress - begin) / (end - begin)));
  return from + (to - from) * SHAPES[shape](along);
}
