/** @file `pose-eval --results`: scores ready predictions, in COCO's layout or in that of MPII's PCKh. */
import {COCO} from '../cocoapi/index.js';
import {type KeypointSet, loadKeypointSet} from '../data/keypoints.js';
import {UserError} from '../errors.js';
import {
  distanceReport,
  joinReports,
  type MetricName,
  type PerKeypoint,
  pckhReport,
} from '../metrics/metricReport.js';
import type {Normalizer} from '../metrics/normalizer.js';
import {oksReport} from '../metrics/oks.js';
import {keypointErrors} from '../metrics/pck.js';
import {pckh} from '../metrics/pckh.js';
import {readPckhPredictions, readPckhTruth} from '../metrics/pckhFiles.js';
import {pairNearest} from '../metrics/posePairs.js';
import {figureLines, keypointTable, percentRow} from '../report/metricTables.js';

export interface ScoreOptions {
  readonly metrics: readonly MetricName[];
  /** A keypoint set's name or file; null: COCO's, if its number of keypoints fits. */
  readonly keypoints: string | null;
  readonly normalizer: Normalizer;
  readonly threshold: number;
  readonly json: boolean;
  /** Show the figures of each keypoint too. */
  readonly perKeypoint: boolean;
}

/** What is printed: JSON on stdout, or tables; notes on stderr. */
interface Scored {
  readonly json: object;
  readonly tables: readonly string[];
  readonly perKeypoint: PerKeypoint;
  readonly notes: readonly string[];
}

/** Prints the figures: as tables, or as one JSON object. */
export async function scoreResults(
  results: string,
  annotations: string,
  options: ScoreOptions,
): Promise<void> {
  const isPckh = options.metrics.includes('pckh');
  if (isPckh && options.metrics.length > 1)
    throw new UserError(
      'usage',
      'pose-eval: --metric pckh has a file layout of its own; score other metrics apart from it.',
    );
  const scored = await (isPckh ? scorePckh(results, annotations) : scoreCoco(results, annotations, options));
  for (const note of scored.notes) process.stderr.write(`${note}\n`);
  process.stdout.write(
    options.json ? `${JSON.stringify(inJson(scored, options))}\n` : inWords(scored, options),
  );
}

function inJson({json, perKeypoint}: Scored, options: ScoreOptions): object {
  return options.perKeypoint ? {...json, perKeypoint} : json;
}

function inWords({tables, perKeypoint}: Scored, options: ScoreOptions): string {
  const all = options.perKeypoint ? [...tables, keypointTable(perKeypoint)] : tables;
  return `${all.join('\n\n')}\n`;
}

async function scorePckh(results: string, annotations: string): Promise<Scored> {
  const truth = await readPckhTruth(annotations);
  const result = pckh(truth, await readPckhPredictions(results, truth));
  const {per_joint: _, ...row} = result.table;
  const {perKeypoint, notes} = pckhReport(result, truth);
  return {json: result.table, tables: [percentRow(row)], perKeypoint, notes};
}

async function scoreCoco(
  results: string,
  annotations: string,
  {metrics, keypoints, normalizer, threshold}: ScoreOptions,
): Promise<Scored> {
  const truth = await COCO.fromFile(annotations);
  const detections = truth.loadRes(results);
  const {names, sigmas} = keypointsOf(truth, keypoints, metrics);
  const images = truth.getImgIds();
  const pairs = pairNearest(truth, detections, images);
  const oks = metrics.includes('oks')
    ? [oksReport(truth, detections, {images, sigmas: sigmas!, names, pairs})]
    : [];
  const distances = metrics.some((metric) => metric !== 'oks')
    ? [distanceReport(keypointErrors(pairs, names, normalizer), metrics, threshold)]
    : [];
  const {figures, perKeypoint, notes} = joinReports([...oks, ...distances]);
  const tables = [
    ...oks.map(({table}) => table),
    ...distances.map((report) => figureLines(report.figures, {threshold, normalizer})),
  ];
  return {json: figures, tables, perKeypoint, notes};
}

/** Names and falloffs of the file's keypoints; falloffs are null where no metric asks for them and none are known. */
function keypointsOf(
  truth: COCO,
  chosen: string | null,
  metrics: readonly MetricName[],
): {names: readonly string[]; sigmas: readonly number[] | null} {
  const {source, keypointCounts, categories} = truth.dataset;
  const [[category, count] = [0, 0]] = keypointCounts;
  if (count === 0)
    throw new UserError('data', `${source}: no annotation has "keypoints", which are what is scored.`);
  const set = keypointSet(chosen, count, source);
  if (set === null && metrics.includes('oks')) {
    throw new UserError(
      'usage',
      `${source}: its people have ${count} keypoints, not COCO's 17, and OKS needs a falloff (sigma) for each. Give ` +
        '--keypoints with the name or file of their keypoint set (configs/keypoints shows how one is written).',
    );
  }
  const named = categories.find(({id}) => id === category)?.keypoints;
  const numbered = Array.from({length: count}, (_, k) => `keypoint ${k}`);
  return {names: set?.names ?? named ?? numbered, sigmas: set?.sigmas ?? null};
}

function keypointSet(chosen: string | null, count: number, source: string): KeypointSet | null {
  const coco = loadKeypointSet('coco17');
  if (chosen === null) return count === coco.names.length ? coco : null;
  const set = loadKeypointSet(chosen);
  if (set.names.length === count) return set;
  throw new UserError(
    'usage',
    `--keypoints ${chosen}: the set has ${set.names.length} keypoints, the people of ${source} have ${count}.`,
  );
}
