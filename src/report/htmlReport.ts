/** @file report.html: a run on one page that needs no other file and no network. */
import {join} from 'node:path';
import sharp from 'sharp';
import {writeFileAtomic} from '../checkpoint/files.js';
import {runCurves} from './curves.js';
import {escapeMarkup} from './markup.js';
import type {MetricsEvent} from './metricsLog.js';
import {formatValue} from './metricTables.js';
import {REPORT_STYLE} from './reportStyle.js';
import {type EvaluationRow, figureNames, formatFigure, unmeasuredNote} from './tables.js';

export interface ReportPicture {
  /** What it is, as a file's name says it. */
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  /** A JPEG file's content; a sheet wider than tall gets the page's whole width. */
  readonly jpeg: Buffer;
}

export interface Report {
  readonly runFolder: string;
  readonly title: string;
  /** What there is to say in a few lines, the most important first. */
  readonly summary: readonly string[];
  /** Device, versions, seed, duration …: label and value. */
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly events: readonly MetricsEvent[];
  /** The first is the one whose figures stand at the top; none if the run was not evaluated. */
  readonly evaluations: readonly EvaluationRow[];
  /** Keypoint -> figure -> value, of the first evaluation; −1 where there was nothing to measure. */
  readonly perKeypoint: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly pictures: readonly ReportPicture[];
  /** The resolved configuration as YAML. */
  readonly config: string;
}

/** Sheets from this width on are not squeezed into a column. */
const WIDE_PIXELS = 900;
/** As many of the first evaluation's figures are shown large. */
const LARGE_FIGURES = 6;

function section(title: string, content: string): string {
  return content === '' ? '' : `<section><h2>${escapeMarkup(title)}</h2>${content}</section>`;
}

function largeFigures([first]: readonly EvaluationRow[]): string {
  if (first === undefined) return '';
  const figures = Object.entries(first.stats)
    .slice(0, LARGE_FIGURES)
    .map(
      ([name, value]) =>
        `<div class="card figure"><b>${formatFigure(value)}</b><span>${escapeMarkup(name)}</span></div>`,
    );
  return `<div class="figures">${figures.join('')}</div>`;
}

function evaluationSection(rows: readonly EvaluationRow[]): string {
  if (rows.length === 0) return '';
  const names = figureNames(rows);
  const header = names.map((name) => `<th scope="col">${escapeMarkup(name)}</th>`).join('');
  const body = rows.map(({name, stats}) => {
    const cells = names.map((figure) => `<td>${formatFigure(stats[figure])}</td>`).join('');
    return `<tr><th scope="row">${escapeMarkup(name)}</th>${cells}</tr>`;
  });
  const notes = new Set(rows.map(unmeasuredNote).filter((note) => note !== null));
  return [
    `<div class="card scroll"><table><thead><tr><th></th>${header}</tr></thead><tbody>${body.join('')}</tbody></table></div>`,
    ...[...notes].map((note) => `<p class="note">${escapeMarkup(note)}</p>`),
  ].join('');
}

/** The largest value of figures that have one: their cells are shown filled up to their share of it. */
const FULL: Readonly<Record<string, number>> = {
  ...{OKS: 1, 'OKS>.50': 1, 'OKS>.75': 1, PCK: 1, AUC: 1},
  ...{PCKh: 100, 'PCKh@0.1': 100},
};

function keypointCell(name: string, value: number | undefined): string {
  const text = formatValue(name, value);
  const full = FULL[name];
  if (full === undefined || value === undefined || !(value >= 0)) return `<td>${text}</td>`;
  return `<td class="share" style="--share:${((100 * value) / full).toFixed(1)}%">${text}</td>`;
}

/** A row for each keypoint. */
function keypointSection(perKeypoint: Report['perKeypoint']): string {
  const rows = Object.entries(perKeypoint);
  if (rows.length === 0) return '';
  const columns = [...new Set(rows.flatMap(([, values]) => Object.keys(values)))];
  const header = columns.map((name) => `<th scope="col">${escapeMarkup(name)}</th>`).join('');
  const body = rows.map(([keypoint, values]) => {
    const cells = columns.map((name) => keypointCell(name, values[name])).join('');
    return `<tr><th scope="row">${escapeMarkup(keypoint)}</th>${cells}</tr>`;
  });
  return `<div class="card scroll"><table class="dense"><thead><tr><th></th>${header}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

async function picture({title, caption, jpeg}: ReportPicture): Promise<string> {
  const {width, height} = await sharp(jpeg).metadata();
  const kind = width >= WIDE_PIXELS && width > height ? 'card wide' : 'card';
  const source = `data:image/jpeg;base64,${jpeg.toString('base64')}`;
  const image = `<img src="${source}" width="${width}" height="${height}" alt="${escapeMarkup(title)}" loading="lazy">`;
  const text = `<b>${escapeMarkup(title)}</b>${escapeMarkup(caption)}`;
  return `<figure class="${kind}">${image}<figcaption>${text}</figcaption></figure>`;
}

function factsTable(facts: Report['facts']): string {
  if (facts.length === 0) return '';
  const rows = facts.map(
    ([label, value]) => `<tr><th scope="row">${escapeMarkup(label)}</th><td>${escapeMarkup(value)}</td></tr>`,
  );
  return `<div class="card scroll"><table class="facts">${rows.join('')}</table></div>`;
}

async function page(report: Report): Promise<string> {
  const {title, summary, facts, events, evaluations, config} = report;
  const curves = events.length === 0 ? [] : runCurves(events);
  const pictures = await Promise.all(report.pictures.map(picture));
  const gallery = pictures.length === 0 ? '' : `<div class="pictures">${pictures.join('')}</div>`;
  const plots = curves.map((svg) => `<div class="card">${svg}</div>`).join('');
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeMarkup(title)}</title><style>${REPORT_STYLE}</style></head><body>`,
    `<header><h1>${escapeMarkup(title)}</h1>`,
    ...summary.map((text) => `<p class="summary">${escapeMarkup(text)}</p>`),
    largeFigures(evaluations),
    '</header>',
    section('Evaluation', evaluationSection(evaluations)),
    section('Training', plots === '' ? '' : `<div class="curves">${plots}</div>`),
    section('Keypoints', keypointSection(report.perKeypoint)),
    section('Pictures', gallery),
    section('Run', factsTable(facts)),
    section(
      'Configuration',
      `<details class="card"><summary>config.yaml</summary><pre>${escapeMarkup(config)}</pre></details>`,
    ),
    '</body></html>\n',
  ].join('\n');
}

/**
 * Writes `report.html` into the run's folder; an earlier report is replaced in one go.
 * @returns the file's path
 * @throws UserError 'storage' if it cannot be written
 */
export async function writeReport(report: Report): Promise<string> {
  const file = join(report.runFolder, 'report.html');
  await writeFileAtomic(file, await page(report));
  return file;
}
