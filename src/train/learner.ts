/** @file All that changes while a run learns: the model, its optimiser, the average of its weights. */
import type {Checkpoint} from '../checkpoint/load.js';
import type {CheckpointContents} from '../checkpoint/save.js';
import type {TrainConfig} from '../config/schema.js';
import {getStateDict, loadStateDict} from '../nn/stateDict.js';
import type {TopDownTask} from '../tasks/topDown.js';
import {WeightAverage} from './ema.js';
import {createOptimizer, type Optimizer} from './optimizers.js';
import {trainedParameters} from './parameterGroups.js';
import {Updater} from './updater.js';

export class Learner {
  readonly updater: Updater;
  /** null: no average is wanted. */
  readonly average: WeightAverage | null;
  readonly #optimizer: Optimizer;

  /** @throws UserError 'usage' if parameter groups do not fit the model */
  constructor(
    readonly task: TopDownTask,
    config: TrainConfig,
    seed: number,
  ) {
    const parameters = trainedParameters(task.model, config.optimizer);
    this.#optimizer = createOptimizer(parameters, config.optimizer);
    this.updater = new Updater(task, parameters, this.#optimizer, config, seed);
    this.average = config.ema.decay > 0 ? new WeightAverage(task.model, config.ema) : null;
  }

  /** What a checkpoint holds of it, on the host. */
  contents(): Pick<CheckpointContents, 'model' | 'ema' | 'optimizer'> {
    return {
      model: getStateDict(this.task.model),
      ema: this.average?.state() ?? null,
      optimizer: this.#optimizer.state(),
    };
  }

  /**
   * Takes over a checkpoint.
   * @param averageUpdates that are in its average
   * @throws UserError 'checkpoint' if it is of another model or optimiser
   */
  restore({path, model, ema, optimizer}: Checkpoint, averageUpdates: number): void {
    // First: it passes through the model.
    if (ema) this.average?.load(ema, path, averageUpdates);
    loadStateDict(this.task.model, model, path);
    if (!ema) this.average?.reset();
    this.#optimizer.load(optimizer ?? new Map(), path);
  }

  /** The model with the weights that count: the averages, where there are any. */
  async withBestWeights<T>(body: () => Promise<T>): Promise<T> {
    return this.average ? this.average.during(body) : body();
  }

  /** Frees all of it but the model. */
  dispose(): void {
    this.updater.discard();
    this.#optimizer.dispose();
    this.average?.dispose();
  }
}
