/** @file What the runs of an ablation come to: mean and standard deviation over the seeds of each combination. */

/** A finished run, as far as a table is concerned. */
export interface Measured {
  readonly variants: readonly string[];
  readonly seed: number;
  /** −1 where there was nothing to measure. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface Spread {
  readonly mean: number;
  /** Of a sample (divided by n − 1); null of a single value. */
  readonly deviation: number | null;
  /** In the order of the seeds. */
  readonly values: readonly number[];
}

/** One row of the table. */
export interface Combination {
  readonly variants: readonly string[];
  readonly seeds: readonly number[];
  /** Figures that were measured at least once. */
  readonly figures: Readonly<Record<string, Spread>>;
}

/** @param values at least one */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return {mean, deviation: null, values};
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {mean, deviation: Math.sqrt(squares / (values.length - 1)), values};
}

/** A row for each combination that has runs, in the order of their first. */
export function combinationsOf(runs: readonly Measured[]): Combination[] {
  const groups = new Map<string, Measured[]>();
  for (const run of runs) {
    const key = JSON.stringify(run.variants);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()].map((group) => {
    const names = [...new Set(group.flatMap(({figures}) => Object.keys(figures)))];
    const spreads = names.flatMap((name) => {
      const values = group
        .map(({figures}) => figures[name])
        .filter((value) => value !== undefined && value !== -1);
      return values.length === 0 ? [] : [[name, spreadOf(values)] as const];
    });
    return {
      variants: group[0].variants,
      seeds: group.map(({seed}) => seed),
      figures: Object.fromEntries(spreads),
    };
  });
}

/** The combinations of each variant taken together, for an ablation of several axes: what a change does on average. */
export function effectsOf(runs: readonly Measured[], axis: number): Combination[] {
  return combinationsOf(runs.map((run) => ({...run, variants: [run.variants[axis]]})));
}
