/** @file Saves checkpoints by the protocol: after every epoch, and when a signal asks for one. */
import {type Checkpoint, loadNewestCheckpoint} from '../../checkpoint/load.js';
import {retainCheckpoints, sweepTemporaries, writePointer} from '../../checkpoint/retention.js';
import {type CheckpointContents, saveCheckpoint} from '../../checkpoint/save.js';
import {UserError} from '../../errors.js';
import type {Hook, Progress, Run} from '../trainer.js';

/** The best validation so far. */
export interface Best {
  readonly step: number;
  readonly epoch: number;
  readonly figure: number;
}

export interface CheckpointHookOptions {
  /** The run's `checkpoints/`. */
  readonly folder: string;
  readonly keep: number;
  /** A snapshot of the run, without its progress. */
  readonly contents: () => CheckpointContents;
  readonly best: () => Best | null;
  readonly warn: (line: string) => void;
}

/** After so many failed saves in a row the run ends rather than train what cannot be kept. */
const MOST_FAILURES = 3;

export class CheckpointHook implements Hook {
  #failures = 0;
  #savedStep = -1;

  constructor(private readonly options: CheckpointHookOptions) {}

  async afterEpoch(run: Run): Promise<void> {
    await this.save(run.progress);
  }

  /**
   * Saves the run as it stands. A failed save is warned of, and the training goes on.
   * @throws UserError 'storage' after three failures in a row
   */
  async save(progress: Readonly<Progress>): Promise<void> {
    const {folder, keep, contents, best, warn} = this.options;
    const {step} = progress;
    if (step === this.#savedStep) return;
    const snapshot = contents();
    try {
      await saveCheckpoint(folder, step, {...snapshot, state: {...snapshot.state, ...progress}});
      await writePointer(folder, 'last', step);
      const bestStep = best()?.step ?? null;
      if (bestStep === step) await writePointer(folder, 'best', step);
      await retainCheckpoints(folder, {keep, best: bestStep}, warn);
      this.#failures = 0;
      this.#savedStep = step;
    } catch (error) {
      if (!(error instanceof UserError) || ++this.#failures >= MOST_FAILURES) throw error;
      warn(`No checkpoint was saved at step ${step}; the training goes on. ${error.message}`);
    }
  }
}

/** Cleans up after an interrupted run and loads its newest good checkpoint; null if it saved none. */
export async function openCheckpoints(
  folder: string,
  warn: (line: string) => void,
): Promise<Checkpoint | null> {
  await sweepTemporaries(folder, warn);
  return loadNewestCheckpoint(folder, warn);
}
