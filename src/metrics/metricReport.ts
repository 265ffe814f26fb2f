/** @file What a metric tells: its figures by name, its table by keypoint, and in words what it leaves out. */

import {
  auc,
  countWithin,
  endPointError,
  errorNotes,
  type KeypointErrors,
  type KeypointFigure,
  pck,
} from './pck.js';
import type {PckhResult, PckhTruth} from './pckh.js';
import {pckhNotes} from './pckh.js';

export type MetricName = 'oks' | 'pck' | 'auc' | 'epe' | 'pckh';
export type FigureName = 'AP' | 'PCK' | 'AUC' | 'EPE' | 'PCKh';

/** Keypoint -> column -> value; −1 where there was nothing to measure. */
export type PerKeypoint = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface MetricReport {
  /** In the order in which they are shown; −1 where there was nothing to measure. */
  readonly figures: Readonly<Record<string, number>>;
  readonly perKeypoint: PerKeypoint;
  /** A sentence each. */
  readonly notes: readonly string[];
}

/** The figure by which a metric tells the better of two checkpoints. */
export const MAIN_FIGURE: Readonly<Record<MetricName, FigureName>> = {
  oks: 'AP',
  pck: 'PCK',
  auc: 'AUC',
  epe: 'EPE',
  pckh: 'PCKh',
};

/** Whether `value` is a measured figure, and better than the best one so far (null: there is none). */
export function isBetter(figure: FigureName, value: number, best: number | null): boolean {
  if (!Number.isFinite(value) || value < 0) return false;
  if (best === null) return true;
  return figure === 'EPE' ? value < best : value > best;
}

/** Column -> figure, as rows by keypoint. */
export function tableOf(
  names: readonly string[],
  columns: Readonly<Record<string, readonly number[]>>,
): PerKeypoint {
  const row = (k: number) => Object.entries(columns).map(([column, values]) => [column, values[k]] as const);
  return Object.fromEntries(names.map((name, k) => [name, Object.fromEntries(row(k))]));
}

/** PCK, AUC and end-point error of the same people, as far as they are asked for. */
export function distanceReport(
  errors: KeypointErrors,
  metrics: readonly MetricName[],
  threshold: number,
): MetricReport {
  const measures: readonly (readonly [MetricName, string, () => KeypointFigure])[] = [
    ['pck', 'PCK', () => pck(errors, threshold)],
    ['auc', 'AUC', () => auc(errors)],
    ['epe', 'EPE', () => endPointError(errors, 'pixels')],
    ['epe', 'NME', () => endPointError(errors, 'normalized')],
  ];
  const measured = measures
    .filter(([metric]) => metrics.includes(metric))
    .map(([, name, figure]) => [name, figure()] as const);
  const columns = measured.map(([name, {perKeypoint}]) => [name, perKeypoint] as const);
  const {counts: labelled} = countWithin(errors.pixels, errors.names.length, 0);
  const {counts} = pck(errors, threshold);
  const unlabelled = errors.names.filter((_, k) => counts[k] === 0);
  return {
    figures: Object.fromEntries(measured.map(([name, {mean}]) => [name, mean])),
    perKeypoint: tableOf(errors.names, {labelled, ...Object.fromEntries(columns)}),
    notes: [...errorNotes(errors), ...unlabelledNote(unlabelled, errors.names.length)],
  };
}

function unlabelledNote(unlabelled: readonly string[], count: number): string[] {
  if (unlabelled.length === 0) return [];
  if (unlabelled.length < count)
    return [
      `No annotated person that counts has these keypoints: ${unlabelled.join(', ')}; their rows are -1.`,
    ];
  return [
    'PCK, AUC and the errors are -1: no annotated person has labelled keypoints and a length to measure them by. ' +
      'Check the visibilities, or choose another normalizer.',
  ];
}

/**
 * PCKh's part of a validation; the whole table of HRNet is `table` itself.
 * @param names of the joints in the table by keypoint, instead of HRNet's short ones
 */
export function pckhReport(
  result: PckhResult,
  truth: PckhTruth,
  names: readonly string[] = truth.jointNames,
): MetricReport {
  const {table, counts} = result;
  const rates = Object.values(table.per_joint);
  return {
    figures: {PCKh: table.Mean, 'PCKh@0.1': table['Mean@0.1']},
    perKeypoint: tableOf(names, {labelled: counts, PCKh: rates}),
    notes: pckhNotes(result, truth),
  };
}

/** Several metrics' reports as one; columns of the same keypoint side by side. */
export function joinReports(reports: readonly MetricReport[]): MetricReport {
  const names = [...new Set(reports.flatMap(({perKeypoint}) => Object.keys(perKeypoint)))];
  return {
    figures: Object.assign({}, ...reports.map(({figures}) => figures)),
    perKeypoint: Object.fromEntries(
      names.map((name) => [name, Object.assign({}, ...reports.map(({perKeypoint}) => perKeypoint[name]))]),
    ),
    notes: reports.flatMap(({notes}) => notes),
  };
}
