/** @file Every random stream, stateless: a draw depends on (seed, stream name, epoch, index) and nothing else. */
import seedrandom from 'seedrandom';

/** A generator of pseudo-random numbers; drawing advances it. */
export class RandomStream {
  readonly #next: () => number;

  constructor(key: string) {
    // Alea: the fastest of seedrandom's generators that is keyed by a string.
    const generator = seedrandom.alea(key);
    this.#next = () => generator.double();
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * this.#next();
  }

  /** Gaussian by Box and Muller; two uniform draws each. */
  normal(mean = 0, standardDeviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.#next()));
    return mean + standardDeviation * radius * Math.cos(2 * Math.PI * this.#next());
  }

  /** Uniform integer in [0, count). */
  integer(count: number): number {
    return Math.floor(this.#next() * count);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  /** One element of a list that is not empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(items.length)];
  }

  /** A permutation of 0 … count − 1 (Fisher and Yates). */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({length: count}, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

/** The streams of one place of a run by their purposes: what a training step draws from. */
export type Draws = (name: string) => RandomStream;

/** Those of a batch: of step `step`, counted from 0, its batch number `batch`. */
export function stepDraws(seed: number, step: number, batch: number): Draws {
  return (name) => stream(seed, name, step, batch);
}

/** The stream for one purpose (`name`) at one place (`epoch`, `index`) of a run with this seed. */
export function stream(seed: number, name: string, epoch = 0, index = 0): RandomStream {
  return new RandomStream(`${seed}/${name}/${epoch}/${index}`);
}
