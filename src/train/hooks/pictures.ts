/** @file Draws what the network is given and what it finds into `pictures/`, and for TensorBoard; the training does not notice. */
import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import sharp from 'sharp';
import {storageError, writeFileAtomic} from '../../checkpoint/files.js';
import {messageOf} from '../../errors.js';
import type {EventFile} from '../../report/tensorboard/eventFile.js';
import type {Evaluation} from '../../tasks/topDownEvaluation.js';
import {trainingPicture, validationPictures} from '../pictures.js';
import type {Session} from '../session.js';
import type {Hook, Run} from '../trainer.js';

export interface PicturesOptions {
  readonly runFolder: string;
  readonly session: Session;
  readonly evaluation: {readonly latest: Evaluation | null};
  readonly board: EventFile;
}

export class PicturesHook implements Hook {
  readonly #folder: string;
  #shown: Evaluation | null = null;
  #failing = false;

  constructor(private readonly options: PicturesOptions) {
    this.#folder = join(options.runFolder, 'pictures');
  }

  /** The first samples of the epoch, as HRNet's debug images show them. */
  async beforeTraining({progress}: Run): Promise<void> {
    await this.#try(async () => {
      const {config, train, task} = this.options.session;
      await this.#write('train-batch.jpg', await trainingPicture(config, train, task, progress.epoch));
    });
  }

  /** Of every validation its first images; of the latest the people found best and worst. */
  async afterEpoch({progress: {epoch, step}}: Run): Promise<void> {
    const {evaluation, session, board} = this.options;
    const {latest} = evaluation;
    if (latest === null || latest === this.#shown) return;
    this.#shown = latest;
    await this.#try(async () => {
      for (const {name, jpeg} of await validationPictures(latest.predictions, session.val, session.task)) {
        const file = name === 'validation' ? `${name}-epoch-${String(epoch).padStart(4, '0')}` : name;
        await this.#write(`${file}.jpg`, jpeg);
        const {width, height} = await sharp(jpeg).metadata();
        board.picture(step, `val/${name}`, {file: jpeg, width, height});
      }
    });
  }

  async #write(name: string, jpeg: Buffer): Promise<void> {
    await mkdir(this.#folder, {recursive: true}).catch((error: unknown) => {
      throw storageError(error, this.#folder);
    });
    await writeFileAtomic(join(this.#folder, name), jpeg);
  }

  /** Whatever is in the way, a full disk or a library that gets no thread, costs pictures alone. */
  async #try(draw: () => Promise<void>): Promise<void> {
    try {
      await draw();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.options.session.console.warn(`no pictures: ${messageOf(error)}`);
      this.#failing = true;
    }
  }
}
