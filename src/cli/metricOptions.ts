/** @file The options of `pose-eval` that say which figures are wanted. */
import type {Argv} from 'yargs';
import {UserError} from '../errors.js';
import {MAIN_FIGURE, type MetricName} from '../metrics/metricReport.js';
import type {Normalizer} from '../metrics/normalizer.js';
import {textOption} from './configOptions.js';

const METRICS = Object.keys(MAIN_FIGURE) as MetricName[];

export function withMetricOptions<T>(argv: Argv<T>) {
  return argv
    .option(
      'metric',
      textOption(`with --results: ${METRICS.join(', ')}, or several with commas; default oks`),
    )
    .option(
      'normalizer',
      textOption(
        "a person's length for pck, auc and epe: box (default), torso, head, two keypoints (a,b), or pixels",
      ),
    )
    .option('threshold', {
      type: 'number',
      requiresArg: true,
      describe: 'for pck: errors of so many lengths are right; default 0.2',
    })
    .option('keypoints', textOption('keypoint set of --results, a name or a file; default coco17'))
    .option('per-keypoint', {
      type: 'boolean',
      default: false,
      describe: 'show the figures of each keypoint too',
    });
}

/** @throws UserError 'usage' for a metric that does not exist */
export function parseMetrics(text = 'oks'): MetricName[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))];
  const unknown = names.find((name) => !METRICS.includes(name as MetricName));
  if (unknown === undefined) return names as MetricName[];
  throw new UserError(
    'usage',
    `--metric ${text}: there is no metric "${unknown}"; choose of ${METRICS.join(', ')}.`,
  );
}

/** @throws UserError 'usage' for what is no length */
export function parseNormalizer(text = 'box'): Normalizer {
  if (text === 'box' || text === 'torso' || text === 'head') return text;
  const pixels = Number(text);
  if (pixels > 0 && Number.isFinite(pixels)) return pixels;
  const [first, second, ...more] = text.split(',').map((name) => name.trim());
  if (first && second && more.length === 0) return [first, second];
  throw new UserError(
    'usage',
    `--normalizer ${text}: give box, torso, head, two keypoints (left_shoulder,right_hip), or a number of pixels.`,
  );
}

/** @throws UserError 'usage' unless positive */
export function parseThreshold(threshold = 0.2): number {
  if (threshold > 0 && Number.isFinite(threshold)) return threshold;
  throw new UserError('usage', `--threshold ${threshold}: give a positive number, such as 0.2.`);
}
