/** @file Bar charts as SVG text. */
import {formatCount, formatShare} from './format.js';
import {escapeMarkup} from './markup.js';
import {niceTicks} from './ticks.js';

export interface Bar {
  readonly label: string;
  /** Stacked from the bottom; one for each name of the chart. */
  readonly values: readonly number[];
}

export interface BarPlot {
  readonly title: string;
  readonly xLabel: string;
  /** What is stacked, with colours; of a single one the name is not shown. */
  readonly stack: readonly {readonly name: string; readonly color: string}[];
  readonly bars: readonly Bar[];
  /** Every label is shown, slanted; otherwise as many as fit beside each other. */
  readonly hasNames?: boolean;
}

const FONT_SIZE = 12.5;
const GLYPH = 0.55 * FONT_SIZE;
const LEFT = 58;
const RIGHT = 16;
const TOP = 40;
const NAMES_HEIGHT = 120;
const NUMBERS_HEIGHT = 46;

/** Indices of the bars whose labels fit beside each other. */
function fitting(bars: readonly Bar[], width: number): number[] {
  const widest = Math.max(...bars.map(({label}) => label.length)) * GLYPH + 8;
  const every = Math.max(1, Math.ceil(widest / (width / bars.length)));
  return bars.map((_, i) => i).filter((i) => i % every === 0);
}

function legend({stack}: BarPlot, width: number): string {
  if (stack.length < 2) return '';
  let at = width - RIGHT;
  const entries = [...stack].reverse().map(({name, color}) => {
    const text = `<text x="${at}" y="20" text-anchor="end">${escapeMarkup(name)}</text>`;
    at -= name.length * GLYPH + 18;
    const swatch = `<rect x="${at}" y="10" width="11" height="11" rx="2" fill="${color}"/>`;
    at -= 18;
    return swatch + text;
  });
  return entries.join('');
}

function labels({bars, hasNames = false}: BarPlot, left: number, step: number, bottom: number): string {
  const shown = hasNames ? bars.map((_, i) => i) : fitting(bars, step * bars.length);
  return shown
    .map((i) => {
      const x = (left + (i + 0.5) * step).toFixed(1);
      const text = escapeMarkup(bars[i].label);
      if (!hasNames) return `<text x="${x}" y="${bottom + 18}" text-anchor="middle">${text}</text>`;
      return `<text transform="translate(${x} ${bottom + 10}) rotate(-50)" text-anchor="end" dy=".35em">${text}</text>`;
    })
    .join('');
}

function column({label, values}: Bar, {stack}: BarPlot, x: number, width: number, y: (v: number) => number) {
  const total = values.reduce((sum, value) => sum + value, 0);
  let below = 0;
  return values
    .map((value, i) => {
      const [bottom, top] = [y(below), y(below + value)];
      below += value;
      if (value === 0) return '';
      const share = stack.length > 1 ? ` ${stack[i].name}, ${formatShare(value / total)}` : '';
      const tooltip = `${label}: ${formatCount(value)}${share}`;
      const shape = `x="${x.toFixed(1)}" y="${top.toFixed(1)}" width="${width.toFixed(1)}" height="${(bottom - top).toFixed(1)}"`;
      return `<rect ${shape} fill="${stack[i].color}"><title>${escapeMarkup(tooltip)}</title></rect>`;
    })
    .join('');
}

/** A chart as an SVG element of this size; text and axes take the colour around it. */
export function barPlot(plot: BarPlot, width = 480, height = 270): string {
  const {title, xLabel, bars, hasNames = false} = plot;
  const bottom = height - (hasNames ? NAMES_HEIGHT : NUMBERS_HEIGHT);
  const totals = bars.map(({values}) => values.reduce((sum, value) => sum + value, 0));
  const ticks = niceTicks(0, Math.max(1, ...totals), 4, 1);
  const most = ticks[ticks.length - 1].value;
  const y = (value: number) => bottom - (value / most) * (bottom - TOP);
  const step = (width - LEFT - RIGHT) / Math.max(1, bars.length);
  const gap = step > 4 ? Math.min(6, step * 0.15) : 0;
  const grid = ticks.map(({value, label}) => {
    const at = y(value).toFixed(1);
    const line = `<path d="M${LEFT} ${at}H${width - RIGHT}" stroke="currentColor" stroke-opacity=".14"/>`;
    return `${line}<text x="${LEFT - 8}" y="${at}" dy=".35em" text-anchor="end">${label}</text>`;
  });
  const columns = bars.map((bar, i) => column(bar, plot, LEFT + i * step + gap / 2, step - gap, y));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeMarkup(title)}" fill="currentColor" font-family="system-ui, sans-serif" font-size="${FONT_SIZE}">`,
    `<text x="12" y="20" font-size="14" font-weight="600">${escapeMarkup(title)}</text>`,
    legend(plot, width),
    ...grid,
    ...columns,
    `<path d="M${LEFT} ${bottom}H${width - RIGHT}" stroke="currentColor" stroke-opacity=".5"/>`,
    labels(plot, LEFT, step, bottom),
    `<text x="${(LEFT + width - RIGHT) / 2}" y="${height - 8}" text-anchor="middle" fill-opacity=".7">${escapeMarkup(xLabel)}</text>`,
    '</svg>',
  ].join('');
}
