/** @file The curves of a run: which plots its metrics make. */
import type {MetricsEvent} from './metricsLog.js';
import {linePlot, type Series} from './plots.js';

/** Losses and speeds jump from line to line of the log; a smoothed curve weighs about so many lines. */
const SMOOTHING = 20;
/** Figures of a validation that have a scale in common, and so a plot; as far as they were measured. */
const VALIDATION_PLOTS: readonly {readonly title: string; readonly figures: readonly string[]}[] = [
  {title: 'Validation: AP and AR', figures: ['AP', 'AP50', 'AP75', 'AR']},
  {title: 'Validation: PCKh, per cent', figures: ['PCKh', 'PCKh@0.1']},
  {title: 'Validation: PCK', figures: ['PCK', 'AUC']},
  {title: 'Validation: end-point error, pixels', figures: ['EPE']},
  {title: 'Validation: end-point error, of a length', figures: ['NME']},
];

type Point = readonly [x: number, y: number];

function points(events: readonly MetricsEvent[], x: 'step' | 'epoch', name: string): Point[] {
  return events.flatMap((event) => {
    const value = event[name];
    return typeof value === 'number' ? [[event[x], value] as const] : [];
  });
}

/** An exponential moving average that starts unbiased; values that are not finite are passed over. */
export function smooth(values: readonly Point[], length = SMOOTHING): Point[] {
  let sum = 0;
  let weight = 0;
  const keep = 1 - 1 / length;
  return values.map(([x, y]) => {
    if (!Number.isFinite(y)) return [x, y];
    sum = keep * sum + y;
    weight = keep * weight + 1;
    return [x, sum / weight];
  });
}

/** `loss`, then the parts of it that the task reports (`lossHeatmap` …). */
function lossNames(events: readonly MetricsEvent[]): string[] {
  const names = new Set(events.flatMap((event) => Object.keys(event).filter((name) => /^loss/.test(name))));
  return [...names].sort();
}

/** A curve over the steps; where there are many values, smoothed, with the values themselves behind it. */
function noisySeries(events: readonly MetricsEvent[], name: string): Series[] {
  const raw = points(events, 'step', name);
  if (raw.length < SMOOTHING) return [{name, points: raw}];
  return [
    {name, points: raw, isBackground: true},
    // A short run shows its course, not the length of the average.
    {name, points: smooth(raw, Math.min(SMOOTHING, raw.length / 10))},
  ];
}

function validationPlots(events: readonly MetricsEvent[]): string[] {
  return VALIDATION_PLOTS.flatMap(({title, figures}) => {
    const series = figures
      .map((name) => ({name, points: points(events, 'epoch', name).filter(([, value]) => value !== -1)}))
      .filter((curve) => curve.points.length > 0);
    return series.length > 0 ? [linePlot({title, xLabel: 'epoch', series})] : [];
  });
}

/**
 * Loss, validation figures (a plot for each scale), learning rate and speed, each as SVG text; a run without validation has
 * no plot of it.
 */
export function runCurves(events: readonly MetricsEvent[]): string[] {
  const train = events.filter(({type}) => type === 'train');
  const losses = lossNames(train).flatMap((name) => noisySeries(train, name));
  const rates = [{name: 'learningRate', points: points(train, 'step', 'learningRate')}];
  return [
    linePlot({title: 'Training loss', xLabel: 'step', series: losses, logY: true}),
    ...validationPlots(events.filter(({type}) => type === 'eval')),
    linePlot({title: 'Learning rate', xLabel: 'step', series: rates, logY: true}),
    linePlot({title: 'Images per second', xLabel: 'step', series: noisySeries(train, 'imagesPerSecond')}),
  ];
}
