/** @file Line plots as SVG text, readable on a light and on a dark page. */
import {formatNumber} from './format.js';
import {escapeMarkup} from './markup.js';
import {logTicks, niceTicks, type Tick} from './ticks.js';

export interface Series {
  readonly name: string;
  /** x and y by rising x; a y that is not finite (or not positive, on a logarithmic axis) leaves a gap. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Drawn thin and pale, without an entry in the legend: raw values behind a smoothed curve. */
  readonly isBackground?: boolean;
}

export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
  readonly logY?: boolean;
}

type Points = Series['points'];
type Scale = (value: number) => number;

const WIDTH = 480;
const HEIGHT = 270;
const FRAME = {left: 58, right: 464, top: 40, bottom: 224};
/** Told apart by people with any colour vision, at a middle lightness for both kinds of page. */
const COLORS = ['#2f81f7', '#e8710a', '#1a9e77', '#d6409f', '#8f6ff0', '#a88b00'];
/** Up to so many points are marked, each with its value as a tooltip. */
const MARKED_POINTS = 60;

/** A linear map of [from, to] to [start, end]. */
function linear(from: number, to: number, start: number, end: number): Scale {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}

function extent(values: number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

/**
 * At most `buckets` × 2 points with the same look: of each bucket of neighbours the lowest and the highest. Gaps stay.
 */
function thin(points: Points, buckets: number): Points {
  if (points.length <= 2 * buckets) return points;
  const size = Math.ceil(points.length / buckets);
  return Array.from({length: Math.ceil(points.length / size)}, (_, i) => {
    const bucket = points.slice(i * size, (i + 1) * size);
    const gap = bucket.find(([, y]) => !Number.isFinite(y));
    const ordered = bucket.filter(([, y]) => Number.isFinite(y)).sort((a, b) => a[1] - b[1]);
    const ends = ordered.length > 1 ? [ordered[0], ordered[ordered.length - 1]] : ordered;
    return [...ends, ...(gap ? [gap] : [])].sort((a, b) => a[0] - b[0]);
  }).flat();
}

/** Path data; a point that is not finite lifts the pen. */
function pathData(points: Points, x: Scale, y: Scale): string {
  let penDown = false;
  const commands = points.map(([px, py]) => {
    if (!Number.isFinite(py)) {
      penDown = false;
      return '';
    }
    const command = `${penDown ? 'L' : 'M'}${x(px).toFixed(1)} ${y(py).toFixed(1)}`;
    penDown = true;
    return command;
  });
  return commands.join('');
}

function marks(points: Points, x: Scale, y: Scale, color: string): string {
  if (points.length > MARKED_POINTS) return '';
  return points
    .filter(([, py]) => Number.isFinite(py))
    .map(([px, py]) => {
      const tooltip = `${formatNumber(px, 6)}: ${formatNumber(py, 4)}`;
      return `<circle cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="2.5" fill="${color}"><title>${tooltip}</title></circle>`;
    })
    .join('');
}

function yAxis(ticks: readonly Tick[], y: Scale): string {
  const {left, right} = FRAME;
  return ticks
    .map(({value, label}) => {
      const at = y(value).toFixed(1);
      const grid = `<path d="M${left} ${at}H${right}" stroke="currentColor" stroke-opacity=".14"/>`;
      return `${grid}<text x="${left - 8}" y="${at}" dy=".35em" text-anchor="end">${label}</text>`;
    })
    .join('');
}

function xAxis(ticks: readonly Tick[], x: Scale, name: string): string {
  const {left, right, bottom} = FRAME;
  const marksOfTicks = ticks.map(({value, label}) => {
    const at = x(value).toFixed(1);
    const mark = `<path d="M${at} ${bottom}v4" stroke="currentColor" stroke-opacity=".5"/>`;
    return `${mark}<text x="${at}" y="${bottom + 18}" text-anchor="middle">${label}</text>`;
  });
  const base = `<path d="M${left} ${bottom}H${right}" stroke="currentColor" stroke-opacity=".5"/>`;
  const title = `<text x="${(left + right) / 2}" y="${HEIGHT - 8}" text-anchor="middle" fill-opacity=".7">${escapeMarkup(name)}</text>`;
  return base + marksOfTicks.join('') + title;
}

/** Names with their colours, right-aligned on the title's line; a single series needs none. */
function legend(series: readonly {name: string; color: string}[]): string {
  if (series.length < 2) return '';
  let at = FRAME.right;
  const entries = [...series].reverse().map(({name, color}) => {
    const text = `<text x="${at}" y="20" text-anchor="end">${escapeMarkup(name)}</text>`;
    // The text's width is not known here: about seven units a letter at this size.
    at -= name.length * 7 + 8;
    const swatch = `<path d="M${at - 12} 16H${at}" stroke="${color}" stroke-width="3" stroke-linecap="round"/>`;
    at -= 26;
    return swatch + text;
  });
  return entries.join('');
}

function curve(points: Points, x: Scale, y: Scale, color: string, isBackground: boolean): string {
  const width = isBackground ? 'stroke-width="1" stroke-opacity=".3"' : 'stroke-width="2"';
  const data = pathData(thin(points, FRAME.right - FRAME.left), x, y);
  const path = `<path d="${data}" fill="none" stroke="${color}" ${width} stroke-linejoin="round"/>`;
  return isBackground ? path : path + marks(points, x, y, color);
}

function xTicks(values: number[]): {domain: [number, number]; ticks: Tick[]} {
  const [low, high] = extent(values);
  const ticks = niceTicks(low, high, 6, values.every(Number.isInteger) ? 1 : 0);
  const domain: [number, number] = low < high ? [low, high] : extent(ticks.map(({value}) => value));
  return {domain, ticks: ticks.filter(({value}) => value >= domain[0] && value <= domain[1])};
}

/** The plot's inside: axes and curves; a remark if there is nothing to draw. */
function drawing({series, xLabel, logY = false}: Plot, colors: readonly string[]): string {
  const drawable = series.map(({points}) =>
    points.map(([px, py]): [number, number] => [px, logY && py <= 0 ? Number.NaN : py]),
  );
  const finite = drawable.flat().filter(([, py]) => Number.isFinite(py));
  if (finite.length === 0) {
    return `<text x="${WIDTH / 2}" y="${HEIGHT / 2}" text-anchor="middle" fill-opacity=".6">no values yet</text>`;
  }
  const horizontal = xTicks(finite.map(([px]) => px));
  const [low, high] = extent(finite.map(([, py]) => py));
  const ticks = logY ? logTicks(low, high) : niceTicks(low, high, 5);
  const x = linear(...horizontal.domain, FRAME.left, FRAME.right);
  const position = (value: number) => (logY ? Math.log10(value) : value);
  const [first, last] = [ticks[0], ticks[ticks.length - 1]].map(({value}) => position(value));
  const height = linear(first, last, FRAME.bottom, FRAME.top);
  const y: Scale = (value) => height(position(value));
  const curves = drawable.map((points, i) => curve(points, x, y, colors[i], series[i].isBackground ?? false));
  return yAxis(ticks, y) + xAxis(horizontal.ticks, x, xLabel) + curves.join('');
}

/**
 * A plot as an SVG element that fills the width it is given. Text and axes take the page's text colour. A series that
 * is background shares the colour of the next series.
 */
export function linePlot(plot: Plot): string {
  const {title, series} = plot;
  const foreground = series.filter(({isBackground}) => !isBackground);
  const colors = series.map((_, i) => {
    const before = series.slice(0, i).filter(({isBackground}) => !isBackground).length;
    return COLORS[before % COLORS.length];
  });
  const entries = foreground.map((entry) => ({name: entry.name, color: colors[series.indexOf(entry)]}));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeMarkup(title)}" fill="currentColor" font-family="system-ui, sans-serif" font-size="12.5">`,
    `<text x="12" y="20" font-size="14" font-weight="600">${escapeMarkup(title)}</text>`,
    legend(entries),
    drawing(plot, colors),
    '</svg>',
  ].join('');
}
