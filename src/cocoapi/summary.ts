/** @file Which figures an evaluation reports, and pycocotools' lines for them. */
import type {Params} from './params.js';

/** One figure; it is −1 where `params` have not its threshold, area or count, as in pycocotools. */
export interface Figure {
  readonly name: string;
  readonly kind: 'AP' | 'AR';
  /** null: the mean over all thresholds. */
  readonly threshold: number | null;
  readonly area: string;
  readonly maxDets: number;
}

type KeypointFigure =
  | 'AP'
  | 'AP50'
  | 'AP75'
  | 'AP_medium'
  | 'AP_large'
  | 'AR'
  | 'AR50'
  | 'AR75'
  | 'AR_medium'
  | 'AR_large';
type BoxFigure =
  | 'AP'
  | 'AP50'
  | 'AP75'
  | 'AP_small'
  | 'AP_medium'
  | 'AP_large'
  | 'AR1'
  | 'AR10'
  | 'AR100'
  | 'AR_small'
  | 'AR_medium'
  | 'AR_large';

/** The figures of each kind of evaluation by name; −1 where there was nothing to measure. */
export interface Stats {
  keypoints: Record<KeypointFigure, number>;
  bbox: Record<BoxFigure, number>;
}

type Row<N extends string> = readonly [
  name: N,
  kind: 'AP' | 'AR',
  threshold: number | null,
  area: string,
  maxDets: number,
];

const KEYPOINT_ROWS: readonly Row<KeypointFigure>[] = [
  ['AP', 'AP', null, 'all', 20],
  ['AP50', 'AP', 0.5, 'all', 20],
  ['AP75', 'AP', 0.75, 'all', 20],
  ['AP_medium', 'AP', null, 'medium', 20],
  ['AP_large', 'AP', null, 'large', 20],
  ['AR', 'AR', null, 'all', 20],
  ['AR50', 'AR', 0.5, 'all', 20],
  ['AR75', 'AR', 0.75, 'all', 20],
  ['AR_medium', 'AR', null, 'medium', 20],
  ['AR_large', 'AR', null, 'large', 20],
];

const BOX_ROWS: readonly Row<BoxFigure>[] = [
  ['AP', 'AP', null, 'all', 100],
  ['AP50', 'AP', 0.5, 'all', 100],
  ['AP75', 'AP', 0.75, 'all', 100],
  ['AP_small', 'AP', null, 'small', 100],
  ['AP_medium', 'AP', null, 'medium', 100],
  ['AP_large', 'AP', null, 'large', 100],
  ['AR1', 'AR', null, 'all', 1],
  ['AR10', 'AR', null, 'all', 10],
  ['AR100', 'AR', null, 'all', 100],
  ['AR_small', 'AR', null, 'small', 100],
  ['AR_medium', 'AR', null, 'medium', 100],
  ['AR_large', 'AR', null, 'large', 100],
];

function figures(rows: readonly Row<string>[]): Figure[] {
  return rows.map(([name, kind, threshold, area, maxDets]) => ({name, kind, threshold, area, maxDets}));
}

/** In pycocotools' order. */
export const FIGURES = {keypoints: figures(KEYPOINT_ROWS), bbox: figures(BOX_ROWS)};

/** ` Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets= 20 ] = 0.744` */
export function figureLine(
  {kind, threshold, area, maxDets}: Figure,
  value: number,
  {iouThrs}: Params,
): string {
  const title = kind === 'AP' ? 'Average Precision' : 'Average Recall';
  const range =
    threshold === null
      ? `${iouThrs[0].toFixed(2)}:${iouThrs[iouThrs.length - 1].toFixed(2)}`
      : threshold.toFixed(2);
  const where = `IoU=${range.padEnd(9)} | area=${area.padStart(6)} | maxDets=${String(maxDets).padStart(3)}`;
  return ` ${title.padEnd(18)} (${kind}) @[ ${where} ] = ${threeDecimals(value)}`;
}

/** As Python prints them: an exact tie, as of 1/16, goes to the even digit, where toFixed takes the upper. */
function threeDecimals(value: number): string {
  const thousandths = value * 1000;
  const isTie = Number.isInteger(value * 16) && thousandths % 1 !== 0 && Math.floor(thousandths) % 2 === 0;
  return isTie ? (Math.floor(thousandths) / 1000).toFixed(3) : value.toFixed(3);
}
