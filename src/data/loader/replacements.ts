/** @file Samples whose images cannot be used: who takes their place, and how many are too many. */
import {UserError} from '../../errors.js';
import {stream} from '../../random.js';
import type {ReplacedSample} from '../types.js';

/**
 * People to try in the place of sample `index`, one after another: a function of (seed, epoch, index) alone, so
 * neither threads nor an interruption change who it is.
 */
export function* replacements(
  count: number,
  seed: number,
  epoch: number,
  index: number,
): Generator<number, never, undefined> {
  const random = stream(seed, 'replacement', epoch, index);
  while (true) yield random.integer(count);
}

/**
 * The samples found to be unusable since the start of the process, and the limit on them: a share of the whole
 * dataset, so the first ones of a large set do not stop a run, and a small set may have none.
 */
export class RejectedSamples {
  readonly #reasons = new Map<number, string>();

  constructor(
    private readonly people: number,
    private readonly maxFraction: number,
  ) {}

  /** @throws UserError if there are now too many */
  add(replaced: readonly ReplacedSample[]): void {
    for (const {index, reason} of replaced) this.#reasons.set(index, reason);
    if (this.#reasons.size > this.maxFraction * this.people) throw this.#tooMany();
  }

  #tooMany(): UserError {
    const count = this.#reasons.size;
    const reasons = [...new Set(this.#reasons.values())];
    const shown = reasons.slice(0, 3).join('\n  ');
    const more = reasons.length > 3 ? `\n  and ${reasons.length - 3} more` : '';
    return new UserError(
      'data',
      `${count} of ${this.people} training samples cannot be used, and dataset.maxBadFraction=${this.maxFraction} allows ` +
        `${Math.floor(this.maxFraction * this.people)}. Mend the images, or raise the limit:\n  ${shown}${more}`,
    );
  }
}
