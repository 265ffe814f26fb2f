/** @file Round numbers along an axis. */

export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** The smallest of 1, 2, 5 times a power of ten that is at least `step`. */
function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  // The ratio of two floats may exceed a round number by a rounding error only.
  const factor = [1, 2, 5].find((candidate) => candidate >= step / power - 1e-9) ?? 10;
  return factor * power;
}

/** Short and exact for round numbers: 0.05, 25, 20k, 1e-5. */
function label(value: number, step: number): string {
  if (value === 0) return '0';
  if (step >= 1000) return `${Number((value / 1000).toPrecision(6))}k`;
  if (step < 1e-4) return Number(value.toPrecision(6)).toExponential();
  return value.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

/**
 * About `count` round values, of which the first is at or below `low` and the last at or above `high`.
 * @param minStep the least distance of two ticks, itself round: 1 where only whole numbers have a meaning
 */
export function niceTicks(low: number, high: number, count: number, minStep = 0): Tick[] {
  // A flat curve gets some room, so that it is drawn in the middle.
  const margin = low === high ? Math.abs(low) * 0.1 || 1 : 0;
  const [from, to] = [low - margin, high + margin];
  const step = Math.max(niceStep((to - from) / count), minStep);
  const first = Math.floor(from / step + 1e-9);
  const last = Math.ceil(to / step - 1e-9);
  return Array.from({length: last - first + 1}, (_, i) => {
    const value = (first + i) * step;
    return {value, label: label(value, step)};
  });
}

/** Powers of ten around two positive numbers; within one or two decades 2 and 5 times them as well. */
export function logTicks(low: number, high: number): Tick[] {
  const decades = Math.log10(high) - Math.log10(low);
  const factors = decades <= 2 ? [1, 2, 5] : [1];
  const candidates: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)) + 1; power++) {
    candidates.push(...factors.map((factor) => Number(`${factor}e${power}`)));
  }
  // The last candidate that is not above the data, and the first that is not below them.
  const first = candidates.filter((value) => value <= low * (1 + 1e-9)).length - 1;
  // One candidate further if all of the data lie on a single tick.
  const last = Math.max(
    candidates.findIndex((value) => value >= high * (1 - 1e-9)),
    first + 1,
  );
  return candidates.slice(first, last + 1).map((value) => ({value, label: logLabel(value)}));
}

function logLabel(value: number): string {
  return value >= 0.01 && value < 1000 ? String(value) : value.toExponential();
}
