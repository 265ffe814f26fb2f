/** @file The results of an ablation: its table on the console and as Markdown, its plot, and every figure as JSON. */
import {join} from 'node:path';
import {writeFileAtomic} from '../../checkpoint/files.js';
import type {Matrix} from '../../config/matrix.js';
import {type FigureName, isBetter} from '../../metrics/metricReport.js';
import {dotPlot} from '../../report/dotPlot.js';
import {markdownTable, textTable} from '../../report/tables.js';
import {type Combination, combinationsOf, effectsOf, type Measured, type Spread} from './statistics.js';

/** Figures beside the primary one that the console has room for. */
const CONSOLE_FIGURES = 3;

export interface AblationRun {
  readonly name: string;
  readonly variants: readonly string[];
  readonly seed: number;
  /** Null: not finished. */
  readonly figures: Readonly<Record<string, number>> | null;
}

export interface Ablation {
  readonly title: string;
  readonly folder: string;
  readonly matrix: Matrix;
  /** The command that gives it. */
  readonly command: string;
  readonly primary: FigureName;
  readonly runs: readonly AblationRun[];
}

export function finishedRuns({runs}: Ablation): Measured[] {
  return runs.flatMap(({figures, ...run}) => (figures === null ? [] : [{...run, figures}]));
}

/** `0.512 ± 0.013`; percentages and pixels with two decimals. */
export function formatSpread(spread: Spread | undefined): string {
  if (spread === undefined) return '–';
  const digits = Math.max(...spread.values.map(Math.abs)) > 1.5 ? 2 : 3;
  const mean = spread.mean.toFixed(digits);
  return spread.deviation === null ? mean : `${mean} ± ${spread.deviation.toFixed(digits)}`;
}

/** The primary figure, then the others in the order of the evaluation. */
function figureNames(rows: readonly Combination[], primary: FigureName): string[] {
  return [...new Set([primary as string, ...rows.flatMap(({figures}) => Object.keys(figures))])];
}

function cells({variants, seeds, figures}: Combination, names: readonly string[]): string[] {
  return [...variants, String(seeds.length), ...names.map((name) => formatSpread(figures[name]))];
}

/** The row whose mean is the best; −1 if nothing was measured, or several are as good. */
function bestRow(rows: readonly Combination[], primary: FigureName): number {
  const means = rows.map(({figures}) => figures[primary]?.mean ?? -1);
  const beatsAll = (i: number) =>
    means.every((mean, j) => j === i || mean < 0 || isBetter(primary, means[i], mean));
  return means.findIndex((mean, i) => mean >= 0 && beatsAll(i));
}

/** The table for the console: axes, number of runs, mean ± standard deviation of the first figures. */
export function ablationTable(ablation: Ablation): string {
  const rows = combinationsOf(finishedRuns(ablation));
  const names = figureNames(rows, ablation.primary).slice(0, 1 + CONSOLE_FIGURES);
  const best = bestRow(rows, ablation.primary);
  const header = [...ablation.matrix.axes.map(({name}) => name), 'runs', ...names, ''];
  const table = textTable(
    header,
    rows.map((row, i) => [...cells(row, names), i === best ? '<- best' : '']),
  );
  return table.replaceAll(/ +$/gm, '');
}

/** What each axis does on average over the others; nothing for a single axis, which the table tells already. */
function effects(ablation: Ablation): string[] {
  const {axes} = ablation.matrix;
  const runs = finishedRuns(ablation);
  if (axes.length < 2) return [];
  return axes.flatMap(({name}, axis) => {
    const rows = effectsOf(runs, axis);
    const body = rows.map(({variants: [variant], seeds, figures}) => [
      variant,
      String(seeds.length),
      formatSpread(figures[ablation.primary]),
    ]);
    return [
      `## ${name}, over all the rest`,
      '',
      'All runs of a variant; ± is their spread, that of the other axes included.',
      '',
      markdownTable([name, 'runs', ablation.primary], body),
      '',
    ];
  });
}

function markdown(ablation: Ablation): string {
  const {title, matrix, primary, runs, command} = ablation;
  const rows = combinationsOf(finishedRuns(ablation));
  const names = figureNames(rows, primary);
  const best = bestRow(rows, primary);
  const body = rows.map((row, i) => {
    const texts = cells(row, names);
    return i === best ? texts.map((text) => `**${text}**`) : texts;
  });
  const open = runs.filter(({figures}) => figures === null).map(({name}) => name);
  return [
    `# ${title}`,
    '',
    `\`${command}\``,
    '',
    `Mean ± standard deviation (n − 1) over the seeds ${matrix.seeds.join(', ')}, of the validation after the last epoch. In bold, the best ${primary}.`,
    ...(open.length > 0 ? ['', `Not finished, and not counted: ${open.join(', ')}.`] : []),
    '',
    markdownTable([...matrix.axes.map(({name}) => name), 'runs', ...names], body),
    '',
    ...(rows.some(({figures}) => figures[primary]) ? [`![${primary} of every run](ablation.svg)`, ''] : []),
    ...effects(ablation),
  ].join('\n');
}

/** `msra`, but `sigma 2`: a bare number or yes or no says little. */
function labelOf(axis: string, variant: string): string {
  return /^(\d.*|true|false|null)$/.test(variant) ? `${axis} ${variant}` : variant;
}

function plot(ablation: Ablation): string | null {
  const {primary, title} = ablation;
  const rows = combinationsOf(finishedRuns(ablation)).flatMap(({variants, figures}) => {
    const spread = figures[primary];
    const label = variants.map((name, i) => labelOf(ablation.matrix.axes[i].name, name)).join(', ');
    return spread === undefined ? [] : [{label, ...spread}];
  });
  if (rows.length === 0) return null;
  const xLabel = `${primary}: runs, their mean, and one standard deviation`;
  return dotPlot({title, xLabel, rows});
}

/** Writes `ablation.json`, `ablation.md` and `ablation.svg` into the ablation's folder. */
export async function writeAblation(ablation: Ablation): Promise<void> {
  const {folder, matrix, command, primary, runs} = ablation;
  const content = {
    ...{matrix: matrix.file, command, primary, axes: matrix.axes.map(({name}) => name), seeds: matrix.seeds},
    runs,
    combinations: combinationsOf(finishedRuns(ablation)),
  };
  await writeFileAtomic(join(folder, 'ablation.json'), `${JSON.stringify(content, null, 1)}\n`);
  await writeFileAtomic(join(folder, 'ablation.md'), markdown(ablation));
  const drawing = plot(ablation);
  if (drawing !== null) await writeFileAtomic(join(folder, 'ablation.svg'), drawing);
}
