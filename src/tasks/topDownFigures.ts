/** @file The figures of a top-down validation: every metric that the configuration asks for, over the same predictions. */
import {COCO} from '../cocoapi/index.js';
import type {Config} from '../config/schema.js';
import type {TopDownDataset} from '../data/datasets/topDown.js';
import type {KeypointSet} from '../data/keypoints.js';
import {UserError} from '../errors.js';
import type {CocoKeypointResult} from '../metrics/cocoResults.js';
import {
  distanceReport,
  type FigureName,
  joinReports,
  MAIN_FIGURE,
  type MetricReport,
  pckhReport,
} from '../metrics/metricReport.js';
import {lengthOf} from '../metrics/normalizer.js';
import {oksReport} from '../metrics/oks.js';
import {keypointErrors} from '../metrics/pck.js';
import {pckh} from '../metrics/pckh.js';
import {type PckhCase, pckhCase} from '../metrics/pckhPeople.js';
import {type PosePair, pairNearest} from '../metrics/posePairs.js';
import {figureLines, percentRow} from '../report/metricTables.js';
import {overlapReport, type PredictedBox} from './overlapFigures.js';

type EvaluationConfig = Config['eval'];

export interface FigureReport extends MetricReport {
  /** All figures as text, a table after the other. */
  readonly table: string;
}

/** The figure by which a run tells its best checkpoint. */
export function primaryFigure({metrics, primary}: EvaluationConfig): FigureName {
  return primary ?? MAIN_FIGURE[metrics[0]];
}

/**
 * Finds out before the first step what validation would stumble over.
 * @throws UserError 'usage' if the metrics contradict each other or the keypoint set
 */
export function checkMetrics(config: EvaluationConfig, set: KeypointSet): void {
  const own = config.metrics.map((metric) => MAIN_FIGURE[metric]);
  const primary = primaryFigure(config);
  if (!own.includes(primary)) {
    throw new UserError(
      'usage',
      `eval.primary: ${primary} is not among the figures of eval.metrics (${own.join(', ')}). Add its metric, or choose one of these.`,
    );
  }
  if (usesDistances(config)) lengthOf(config.pck.normalizer, set.names);
  if (config.metrics.includes('pckh') && set.names.length !== 16) {
    throw new UserError(
      'usage',
      `eval.metrics: pckh is defined for MPII's 16 joints; the keypoint set ${set.name} has ${set.names.length}. ` +
        'Take pck with eval.pck.normalizer=head.',
    );
  }
}

function usesDistances({metrics}: EvaluationConfig): boolean {
  return metrics.some((metric) => metric === 'pck' || metric === 'auc' || metric === 'epe');
}

/** @throws UserError if annotations cannot be read or do not fit the predictions */
export async function topDownFigures(
  predictions: readonly PredictedBox[],
  results: readonly CocoKeypointResult[],
  dataset: TopDownDataset,
  config: EvaluationConfig,
): Promise<FigureReport> {
  const {metrics, pck} = config;
  const {names, sigmas} = dataset.keypointSet;
  const reports: FigureReport[] = [];
  if (metrics.includes('oks') || usesDistances(config)) {
    const truth = new COCO(dataset.groundTruth(), dataset.annotationFile);
    const detections = truth.loadRes(results);
    const pairs = pairsOf(predictions, truth, detections, dataset.imageIds);
    if (metrics.includes('oks')) {
      reports.push(oksReport(truth, detections, {images: dataset.imageIds, sigmas, names, pairs}));
      const {overlapIou} = config;
      if (overlapIou !== null) reports.push(overlapReport(predictions, dataset, {...config, overlapIou}));
    }
    if (usesDistances(config)) {
      const report = distanceReport(keypointErrors(pairs, names, pck.normalizer), metrics, pck.threshold);
      reports.push({...report, table: figureLines(report.figures, pck)});
    }
  }
  if (metrics.includes('pckh')) reports.push(headFigures(predictions, dataset));
  return {...joinReports(reports), table: reports.map(({table}) => table).join('\n')};
}

/** With annotated boxes it is known who is who; with a detector's, the nearest detection counts. */
function pairsOf(
  predictions: readonly PredictedBox[],
  truth: COCO,
  detections: COCO,
  images: readonly number[],
): PosePair[] {
  if (predictions.some(({person}) => person.annotationId === null))
    return pairNearest(truth, detections, images);
  return predictions.flatMap(({person, keypoints}) => {
    const annotation = truth.anns.get(person.annotationId!);
    if (!annotation?.keypoints) return [];
    const {id, bbox, area} = annotation;
    return [{id, truth: annotation.keypoints, predicted: keypoints.flat(), box: bbox, area}];
  });
}

function headFigures(predictions: readonly PredictedBox[], dataset: TopDownDataset): FigureReport {
  const {truth, predictions: own} = withHeads(predictions);
  const result = pckh(truth, own);
  const report = pckhReport(result, truth, dataset.keypointSet.names);
  const {per_joint: _, ...row} = result.table;
  return {...report, table: percentRow(row)};
}

/** PCKh divides by the diagonals of their head boxes. */
function withHeads(predictions: readonly PredictedBox[]): PckhCase {
  if (predictions.some(({person}) => person.annotationId === null)) {
    throw new UserError(
      'usage',
      'eval.metrics: pckh compares people in the boxes of their annotations. Set dataset.useGroundTruthBoxes=true.',
    );
  }
  if (!predictions.some(({person}) => person.headBox)) {
    throw new UserError(
      'usage',
      'eval.metrics: pckh needs the boxes of heads, and nobody has one. Set dataset.val.headBoxes to gt_valid.mat of the ' +
        'HRNet repository.',
    );
  }
  return pckhCase(
    predictions.map(({person, keypoints}) => ({
      truth: person.keypoints,
      predicted: keypoints,
      headBox: person.headBox,
    })),
  );
}
