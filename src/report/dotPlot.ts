/** @file Rows of dots along one axis as SVG text: every value, the mean of a row and its standard deviation. */
import {formatNumber} from './format.js';
import {escapeMarkup} from './markup.js';
import {niceTicks} from './ticks.js';

export interface DotRow {
  readonly label: string;
  readonly values: readonly number[];
  readonly mean: number;
  /** Null: not drawn. */
  readonly deviation: number | null;
}

export interface DotPlot {
  readonly title: string;
  readonly xLabel: string;
  readonly rows: readonly DotRow[];
}

const FONT_SIZE = 12.5;
const GLYPH = 0.56 * FONT_SIZE;
const ROW = 30;
const TOP = 44;
const BOTTOM = 48;
const RIGHT = 24;
const WIDTH = 640;
const COLOR = '#2f81f7';

/** The whole SVG document; on a light ground, for it stands by itself. */
export function dotPlot({title, xLabel, rows}: DotPlot): string {
  const longest = Math.max(...rows.map(({label}) => label.length));
  const left = Math.min(WIDTH / 2, 24 + longest * GLYPH);
  const height = TOP + rows.length * ROW + BOTTOM;
  const bottom = height - BOTTOM;
  const ends = rows.flatMap(({values, mean, deviation}) => [
    ...values,
    mean - (deviation ?? 0),
    mean + (deviation ?? 0),
  ]);
  const ticks = niceTicks(Math.min(...ends), Math.max(...ends), 5);
  const [from, to] = [ticks[0].value, ticks[ticks.length - 1].value];
  const x = (value: number) => left + ((value - from) / (to - from)) * (WIDTH - RIGHT - left);
  const grid = ticks.map(({value, label}) => {
    const at = x(value).toFixed(1);
    return (
      `<path d="M${at} ${TOP - 8}V${bottom}" stroke="currentColor" stroke-opacity=".14"/>` +
      `<text x="${at}" y="${bottom + 18}" text-anchor="middle">${label}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeMarkup(title)}" style="color:#1f2328;background:#fff" fill="currentColor" font-family="system-ui, sans-serif" font-size="${FONT_SIZE}">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="12" y="20" font-size="14" font-weight="600">${escapeMarkup(title)}</text>`,
    ...grid,
    ...rows.map((row, i) => drawRow(row, TOP + (i + 0.5) * ROW, left, x)),
    `<path d="M${left} ${bottom}H${WIDTH - RIGHT}" stroke="currentColor" stroke-opacity=".5"/>`,
    `<text x="${((left + WIDTH - RIGHT) / 2).toFixed(1)}" y="${height - 10}" text-anchor="middle" fill-opacity=".7">${escapeMarkup(xLabel)}</text>`,
    '</svg>\n',
  ].join('');
}

/** A line of one deviation to each side, the values on it, and the mean as a bar across it. */
function drawRow(
  {label, values, mean, deviation}: DotRow,
  y: number,
  left: number,
  x: (value: number) => number,
): string {
  const name = `<text x="${left - 12}" y="${y}" dy=".35em" text-anchor="end">${escapeMarkup(label)}</text>`;
  const spread =
    deviation === null
      ? ''
      : `<path d="M${x(mean - deviation).toFixed(1)} ${y}H${x(mean + deviation).toFixed(1)}" stroke="${COLOR}" stroke-width="3" stroke-opacity=".4" stroke-linecap="round"/>`;
  const dots = values.map(
    (value) =>
      `<circle cx="${x(value).toFixed(1)}" cy="${y}" r="4" fill="${COLOR}" fill-opacity=".55"><title>${formatNumber(value, 4)}</title></circle>`,
  );
  const bar = `<path d="M${x(mean).toFixed(1)} ${y - 9}v18" stroke="currentColor" stroke-width="2.5"><title>mean ${formatNumber(mean, 4)}</title></path>`;
  return name + spread + dots.join('') + bar;
}
