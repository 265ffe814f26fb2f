/** @file The learning rate as a function of the step: a linear warm-up, times what the schedule's type makes of the run. */
import type {TrainConfig} from '../config/schema.js';

type ScheduleConfig = TrainConfig['schedule'];

/** How long a run is. */
export interface RunLength {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
}

/** Half a wave from 1 at progress 0 to `floor` at progress 1 (Loshchilov & Hutter 2017, eq. 5). */
function halfWave(progress: number, floor: number): number {
  return floor + ((1 - floor) * (1 + Math.cos(Math.PI * Math.min(1, progress)))) / 2;
}

/** A type -> the learning rate as a share of its base. Steps count from 0, `total` of them are in the run. */
const SHAPES: Record<
  ScheduleConfig['type'],
  (config: ScheduleConfig, step: number, total: number, stepsPerEpoch: number) => number
> = {
  constant: () => 1,
  multiStep: ({milestones, gamma}, step, _total, stepsPerEpoch) =>
    gamma ** milestones.filter((epoch) => step >= Math.round(epoch * stepsPerEpoch)).length,
  cosine: ({floor}, step, total) => halfWave(step / total, floor),
  flatThenCosine: ({floor, flat}, step, total) => {
    const start = flat * total;
    return step < start ? 1 : halfWave((step - start) / (total - start), floor);
  },
  poly: ({floor, power}, step, total) => floor + (1 - floor) * Math.max(0, 1 - step / total) ** power,
};

/**
 * The learning rate for the update number `step`, counted from 0.
 * @param base the learning rate before it falls
 */
export function learningRateAt(
  schedule: ScheduleConfig,
  base: number,
  step: number,
  {epochs, stepsPerEpoch}: RunLength,
): number {
  const {type, warmupSteps, warmupEpochs, warmupFactor} = schedule;
  const share = SHAPES[type](schedule, step, epochs * stepsPerEpoch, stepsPerEpoch);
  const warmupLength = warmupSteps + Math.round(warmupEpochs * stepsPerEpoch);
  const warmup = step < warmupLength ? warmupFactor + ((1 - warmupFactor) * step) / warmupLength : 1;
  return base * share * warmup;
}
