/** @file The run's log in the forms of other programs: TensorBoard's tags, and a CSV table. */
import type {MetricsEvent, MetricsValue} from './metricsLog.js';

/** Where TensorBoard shows the figures of an event; others have no curve. */
const TAG_PREFIXES: Partial<Record<MetricsEvent['type'], string>> = {train: 'train', eval: 'val'};
/** The first columns, in every row. */
const PLACE = ['type', 'step', 'epoch'];

/** `train/loss`, `val/AP` …: every number of an event but its place; −1, a figure that was not measured, is left out. */
export function scalarsOf({
  type,
  step: _step,
  epoch: _epoch,
  ...values
}: MetricsEvent): Record<string, number> {
  const prefix = TAG_PREFIXES[type];
  if (prefix === undefined) return {};
  const numbers = Object.entries(values).filter(
    (entry): entry is [string, number] =>
      typeof entry[1] === 'number' && !(type === 'eval' && entry[1] === -1),
  );
  return Object.fromEntries(numbers.map(([name, value]) => [`${prefix}/${name}`, value]));
}

/**
 * A row for each training and validation event (RFC 4180, but for the line's end), columns in the order of their first
 * appearance; a cell is empty where an event has no such figure.
 */
export function metricsCsv(events: readonly MetricsEvent[]): string {
  const rows = events.filter(({type}) => TAG_PREFIXES[type] !== undefined);
  const columns = [...new Set([...PLACE, ...rows.flatMap((row) => Object.keys(row))])];
  const lines = rows.map((row) => columns.map((column) => cell(row[column])).join(','));
  return `${[columns.map(cell).join(','), ...lines].join('\n')}\n`;
}

function cell(value: MetricsValue | undefined): string {
  const text = value === undefined || value === null ? '' : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
