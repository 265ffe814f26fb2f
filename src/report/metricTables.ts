/** @file The figures of metrics as text: a line each, HRNet's row for PCKh, and the table by keypoint. */
import {textTable} from './tables.js';

/** Counts are whole; percentages and pixels have two decimals, shares three. */
const DECIMALS: Readonly<Record<string, number>> = {labelled: 0, PCKh: 2, 'PCKh@0.1': 2, EPE: 2};

/** `–` where nothing was measured. */
export function formatValue(name: string, value: number | undefined): string {
  return value === undefined || value === -1 ? '–' : value.toFixed(DECIMALS[name] ?? 3);
}

/** Figures one a line, with what they are measured in: `PCK@0.2 (torso)  0.842`. */
export function figureLines(
  figures: Readonly<Record<string, number>>,
  {threshold, normalizer}: {threshold: number; normalizer: string | number | readonly string[]},
): string {
  const unit = typeof normalizer === 'number' ? `${normalizer} pixels` : [normalizer].flat().join(' to ');
  const titles: Record<string, string> = {
    PCK: `PCK@${threshold} (${unit})`,
    AUC: `AUC of PCK@0 to 0.5 (${unit})`,
    EPE: 'EPE (pixels)',
    NME: `NME (${unit})`,
  };
  const rows = Object.entries(figures).map(([name, value]) => [
    titles[name] ?? name,
    formatValue(name, value),
  ]);
  return textTable(rows[0], rows.slice(1));
}

/** Percentages side by side, names above them, as HRNet prints PCKh. */
export function percentRow(figures: Readonly<Record<string, number>>): string {
  const names = Object.keys(figures);
  return textTable(names, [names.map((name) => formatValue('PCKh', figures[name]))]);
}

/** A row for each keypoint, a column for each figure. */
export function keypointTable(
  perKeypoint: Readonly<Record<string, Readonly<Record<string, number>>>>,
): string {
  const rows = Object.entries(perKeypoint);
  const columns = [...new Set(rows.flatMap(([, values]) => Object.keys(values)))];
  return textTable(
    ['keypoint', ...columns],
    rows.map(([name, values]) => [name, ...columns.map((column) => formatValue(column, values[column]))]),
  );
}
