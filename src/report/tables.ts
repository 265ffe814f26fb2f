/** @file Tables and summary lines as text. */
import {formatCount, formatLarge} from './format.js';

/** The figures of one evaluation by name, in the order in which they are shown; −1 where there was nothing to measure. */
export interface EvaluationRow {
  readonly name: string;
  readonly stats: Readonly<Record<string, number>>;
}

/** Rows under a header, columns aligned: the first to the left, the others to the right. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column].length)));
  return table
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
    )
    .join('\n');
}

/** The names of all figures, in the order of their first appearance. */
export function figureNames(rows: readonly EvaluationRow[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row.stats)))];
}

/** A figure with three decimals; `–` where it is missing or could not be measured. */
export function formatFigure(value: number | undefined): string {
  return value === undefined || value === -1 ? '–' : value.toFixed(3);
}

/**
 * Evaluations one a line, figures in columns; more columns than fit go below, under the same names.
 * @param width in characters; one figure at least stands in a line
 */
export function evaluationTable(
  rows: readonly EvaluationRow[],
  width: number = Number.POSITIVE_INFINITY,
): string {
  const label = Math.max(0, ...rows.map(({name}) => name.length));
  const blocks: string[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const name of figureNames(rows)) {
    const cells = rows.map((row) => formatFigure(row.stats[name]).length);
    const needed = 2 + Math.max(name.length, ...cells);
    if (used + needed > width || blocks.length === 0) {
      blocks.push([]);
      used = label;
    }
    blocks.at(-1)!.push(name);
    used += needed;
  }
  return blocks.map((names) => figureBlock(rows, names)).join('\n');
}

function figureBlock(rows: readonly EvaluationRow[], names: readonly string[]): string {
  return textTable(
    ['', ...names],
    rows.map((row) => [row.name, ...names.map((name) => formatFigure(row.stats[name]))]),
  );
}

/** In words, which figures of an evaluation are −1 and why; null if none is. */
export function unmeasuredNote({stats}: EvaluationRow): string | null {
  const names = Object.keys(stats).filter((name) => stats[name] === -1);
  if (names.length === 0) return null;
  return `${names.join(', ')}: not measured, because the data hold no labelled person that counts for it.`;
}

export interface SplitSummary {
  readonly images: number;
  readonly people: number;
  /** How many annotations were left out, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
}

/** `56,599 images, 149,813 people; left out: 12 without keypoints, 3 with an empty box` */
export function splitLine({images, people, rejected}: SplitSummary): string {
  const reasons = Object.entries(rejected).filter(([, count]) => count > 0);
  const leftOut = reasons.map(([why, count]) => `${formatCount(count)} ${why}`).join(', ');
  const total = `${formatCount(images)} images, ${formatCount(people)} people`;
  return leftOut === '' ? total : `${total}; left out: ${leftOut}`;
}

export interface ModelSummary {
  readonly name: string;
  readonly parameters: number;
  /** Multiply-accumulate operations of one image. */
  readonly macs: number;
  /** Height and width in pixels. */
  readonly input: readonly [number, number];
}

/** `hrnet_w32, 28.5 M parameters, 7.12 G MACs, input 256x192` */
export function modelLine({name, parameters, macs, input}: ModelSummary): string {
  return `${name}, ${formatLarge(parameters)} parameters, ${formatLarge(macs)} MACs, input ${input.join('x')}`;
}

/** The same as a table of Markdown. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (items: readonly string[]) =>
    `| ${items.map((item) => item.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
