/** @file Numbers as people read them: durations, counts, rates, shares. */

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['d', 86400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
];

/** `3 d 4 h`, `2 h 10 m`, `3 m 20 s`, `45 s`: the two largest units; `?` for what is not known. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  // Rounded to the smaller unit that will be shown, so that 59 m 59.7 s reads `1 h 0 m`.
  const precision = seconds >= 86400 - 1800 ? 3600 : seconds >= 3600 - 30 ? 60 : 1;
  const rounded = Math.round(Math.max(seconds, 0) / precision) * precision;
  const largest = UNITS.findIndex(([, size]) => rounded >= size);
  if (largest === -1 || largest === UNITS.length - 1) return `${rounded} s`;
  const [unit, size] = UNITS[largest];
  const [smallerUnit, smallerSize] = UNITS[largest + 1];
  const whole = Math.floor(rounded / size);
  return `${whole} ${unit} ${Math.floor((rounded - whole * size) / smallerSize)} ${smallerUnit}`;
}

/** `118,287`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** With `digits` significant digits and no trailing zeros: `0.00061`, `62.4`, `1e-7`. */
export function formatNumber(value: number, digits = 3): string {
  return String(Number(value.toPrecision(digits)));
}

/** A learning rate, as configurations write it: `1e-3`, `5.5e-4`; 0 stays `0`. */
export function formatLearningRate(rate: number): string {
  if (rate === 0 || !Number.isFinite(rate)) return String(rate);
  const [mantissa, exponent] = rate.toExponential(2).split('e');
  return `${Number(mantissa)}e${Number(exponent)}`;
}

/** A share from 0 to 1 as `3 %`. */
export function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `28.5 M`, `7.12 G`: three digits with the SI prefix. */
export function formatLarge(value: number): string {
  const prefixes = ['', 'k', 'M', 'G', 'T'];
  let index = 0;
  let scaled = value;
  // 999.5 would be shown as 1000: it already belongs to the next prefix.
  while (Math.abs(scaled) >= 999.5 && index < prefixes.length - 1) {
    scaled /= 1000;
    index++;
  }
  return `${formatNumber(scaled)} ${prefixes[index]}`.trimEnd();
}

/** Bytes in units of 1024: `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return `${Number((bytes / 1024 ** unit).toPrecision(3))} ${units[unit]}`;
}
