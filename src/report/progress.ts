/** @file How fast a run goes and when it will end, and the line that says so. */
import {formatDuration, formatLearningRate, formatNumber, formatShare} from './format.js';

/** What one training step took. */
export interface StepTiming {
  /** The whole step, waiting for data included. */
  readonly seconds: number;
  /** Of these, waiting for the loader. */
  readonly waitSeconds: number;
  readonly images: number;
}

/** Rates over the last steps: long enough to be calm, short enough to follow a change. Validation time is kept apart. */
export class ProgressMeter {
  readonly #steps: StepTiming[] = [];
  #evaluationSeconds = 0;

  constructor(private readonly window = 100) {}

  addStep(timing: StepTiming): void {
    this.#steps.push(timing);
    if (this.#steps.length > this.window) this.#steps.shift();
  }

  /** Notes how long a validation takes, or whatever else comes after an epoch. */
  addEvaluation(seconds: number): void {
    this.#evaluationSeconds = seconds;
  }

  /** NaN before the first step, as are the other figures. */
  get imagesPerSecond(): number {
    return this.#sum('images') / this.#sum('seconds');
  }

  /** The part of the time, from 0 to 1, in which the loop waited for data. */
  get dataWaitShare(): number {
    return this.#sum('waitSeconds') / this.#sum('seconds');
  }

  /** Seconds until so many more steps and validations are done. */
  secondsLeft(steps: number, evaluations = 0): number {
    const secondsPerStep = this.#sum('seconds') / this.#steps.length;
    return steps * secondsPerStep + evaluations * this.#evaluationSeconds;
  }

  #sum(field: keyof StepTiming): number {
    return this.#steps.reduce((sum, step) => sum + step[field], 0);
  }
}

export interface ProgressState {
  /** Counted from 1, as `step`. */
  readonly epoch: number;
  readonly epochs: number;
  /** Within the epoch. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  /** The share of keypoints found, 0 to 1, where the task measures it. */
  readonly accuracy?: number;
  readonly learningRate: number;
  readonly imagesPerSecond: number;
  readonly dataWaitShare: number;
  readonly secondsLeft: number;
}

function known(value: number, text: (value: number) => string): string {
  return Number.isFinite(value) ? text(value) : '?';
}

/** What a narrow terminal does without, the first first. */
const DISPENSABLE = ['data', 'lr', 'acc', 'images/s', 'loss'] as const;

/**
 * `epoch 3/210  step 1200/2340  loss 0.00061  acc 0.81  lr 1e-3  62.4 images/s  data 3 %  eta 2 h 10 m`
 * @param width in characters: parts are left out until the rest fits
 */
export function progressLine(state: ProgressState, width: number = Number.POSITIVE_INFINITY): string {
  const step = String(state.step).padStart(String(state.steps).length);
  const {accuracy} = state;
  const parts = new Map([
    ['epoch', `epoch ${state.epoch}/${state.epochs}`],
    ['step', `step ${step}/${state.steps}`],
    ['loss', `loss ${formatNumber(state.loss)}`],
    ...(accuracy === undefined ? [] : [['acc', `acc ${accuracy.toFixed(2)}`] as const]),
    ['lr', `lr ${formatLearningRate(state.learningRate)}`],
    ['images/s', `${known(state.imagesPerSecond, formatNumber)} images/s`],
    ['data', `data ${known(state.dataWaitShare, formatShare)}`],
    ['eta', `eta ${formatDuration(state.secondsLeft)}`],
  ]);
  const line = () => [...parts.values()].join('  ');
  for (const name of DISPENSABLE) {
    if (line().length <= width) break;
    parts.delete(name);
  }
  return line();
}
