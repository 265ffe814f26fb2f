/** @file Parameters, multiply-accumulates and activations of a model, layer by layer. */
import * as tf from '@tensorflow/tfjs';
import {CountedLayer} from '../nn/counted.js';
import {type Layer, type Module, Parameter} from '../nn/module.js';

export interface SummaryTotals {
  readonly parameters: number;
  /** Multiply-accumulates for one image; those of convolutions, linear layers and attention, without bias. */
  readonly macs: number;
  /**
   * Bytes of the outputs of these and of normalisations for one image, in float32: training keeps them for the
   * backward pass; without it they are freed on the way.
   */
  readonly activationBytes: number;
}

/** One layer that has parameters of its own. */
export interface LayerSummary extends SummaryTotals {
  readonly name: string;
  readonly type: string;
  /** [1, H, W, C]; null for layers that were not run. */
  readonly output: readonly number[] | null;
}

/** A layer, or the sum of all below a name. */
export interface SummaryRow extends LayerSummary {
  /** How many names stand above it: 0 for the model's own members. */
  readonly depth: number;
}

/** From images [B, H, W, 3] to whatever it gives. */
type Network = Layer<tf.Tensor4D, tf.Tensor | tf.Tensor[]>;

const BYTES = 4;

/**
 * Sends one blank image through the model and notes what its layers do.
 * @param input [height, width]
 */
export function summarize(model: Network, input: readonly [number, number]): LayerSummary[] {
  const runs = runLayers(model, input);
  const layers: LayerSummary[] = [];
  for (const [name, layer] of model.namedModules()) {
    const parameters = ownParameters(layer);
    if (parameters === 0) continue;
    const {output, macs} = runs.get(layer) ?? {output: null, macs: 0};
    const activationBytes = output ? BYTES * output.reduce((product, side) => product * side, 1) : 0;
    layers.push({name, type: layer.constructor.name, output, parameters, macs, activationBytes});
  }
  return layers;
}

function ownParameters(module: Module): number {
  const own = [...module.members()].flatMap(([, member]) => (member instanceof Parameter ? [member] : []));
  return own.reduce((sum, {variable}) => sum + variable.size, 0);
}

/** What a layer did with the image. */
interface LayerRun {
  readonly output: readonly number[];
  readonly macs: number;
}

/** In evaluation mode, so that running statistics stay; the mode is put back. */
function runLayers(model: Network, [height, width]: readonly [number, number]): Map<Module, LayerRun> {
  const runs = new Map<Module, LayerRun>();
  const layers = [...model.namedModules().values()].filter((layer) => layer instanceof CountedLayer);
  for (const layer of layers) {
    layer.onOutput = (output, input) => {
      // A head may pass over the features more than once.
      runs.set(layer, {output, macs: layer.macs(output, input) + (runs.get(layer)?.macs ?? 0)});
    };
  }
  const {training} = model;
  try {
    model.eval();
    tf.tidy(() => model.forward(tf.zeros([1, height, width, 3])));
  } finally {
    model.train(training);
    for (const layer of layers) layer.onOutput = null;
  }
  return runs;
}

export function summaryTotals(layers: readonly SummaryTotals[]): SummaryTotals {
  const sum = (key: keyof SummaryTotals) => layers.reduce((total, layer) => total + layer[key], 0);
  return {parameters: sum('parameters'), macs: sum('macs'), activationBytes: sum('activationBytes')};
}

/**
 * The layers as a tree cut off at `depth` levels of names: a name above others comes before them and holds their sums.
 * @param depth at least 1
 */
export function summaryTree(model: Network, layers: readonly LayerSummary[], depth: number): SummaryRow[] {
  const modules = model.namedModules();
  const rows: SummaryRow[] = [];
  let shown: readonly string[] = [];
  for (const name of inTreeOrder(layers.map((layer) => layer.name))) {
    const segments = name.split('.').slice(0, depth);
    const common = segments.findIndex((segment, i) => segment !== shown[i]);
    if (common < 0) continue;
    for (let length = common + 1; length <= segments.length; length++) {
      rows.push(rowOf(segments.slice(0, length).join('.'), layers, modules));
    }
    shown = segments;
  }
  return rows;
}

/** Names below a common one stand together, where the first of them was: a head may add to what a backbone began. */
function inTreeOrder(names: readonly string[]): string[] {
  const firstPlaces = new Map<string, number>();
  const rows = names.map((name, place) => {
    const segments = name.split('.');
    const places = segments.map((_, i) => {
      const above = segments.slice(0, i + 1).join('.');
      if (!firstPlaces.has(above)) firstPlaces.set(above, place);
      return firstPlaces.get(above)!;
    });
    return {name, places};
  });
  const order = ({places: a}: {places: number[]}, {places: b}: {places: number[]}) => {
    const at = a.findIndex((place, i) => place !== b[i]);
    return at < 0 ? a.length - b.length : a[at] - (b[at] ?? -1);
  };
  return rows.sort(order).map(({name}) => name);
}

function rowOf(
  name: string,
  layers: readonly LayerSummary[],
  modules: ReadonlyMap<string, Module>,
): SummaryRow {
  const depth = name.split('.').length - 1;
  // A layer may have parameters of its own and layers below it.
  const own = layers.find((layer) => layer.name === name);
  const below = layers.filter((layer) => layer.name.startsWith(`${name}.`));
  const type = modules.get(name)?.constructor.name ?? '';
  return {name, depth, type, output: own?.output ?? null, ...summaryTotals(own ? [own, ...below] : below)};
}

const grouped = (count: number): string => (count > 0 ? count.toLocaleString('en-US') : '');
const mebibytes = (bytes: number): string => (bytes > 0 ? `${(bytes / 2 ** 20).toFixed(2)} MiB` : '');

/** A text table with a line a row and a line of totals. GMACs are units of 10⁹, not of 2³⁰. */
export function formatSummary(rows: readonly SummaryRow[], totals: SummaryTotals): string {
  const {parameters, macs, activationBytes} = totals;
  const table = [
    ['layer', 'type', 'output', 'parameters', 'MACs', 'activations'],
    ...rows.map(({name, depth, type, output, ...counts}) => [
      `${'  '.repeat(depth)}${name.split('.').at(-1)}`,
      type,
      output ? output.slice(1).join('×') : '',
      grouped(counts.parameters),
      grouped(counts.macs),
      mebibytes(counts.activationBytes),
    ]),
    ['total', '', '', grouped(parameters), grouped(macs), mebibytes(activationBytes)],
  ];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) =>
    row
      .map((cell, i) => pad(cell, widths[i], i >= 3))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n${totalsLine(totals)}\n`;
}

function totalsLine({parameters, macs, activationBytes}: SummaryTotals): string {
  const size = ((BYTES * parameters) / 2 ** 20).toFixed(1);
  const gigaMacs = (macs / 1e9).toFixed(macs < 1e9 ? 3 : 2);
  return (
    `${(parameters / 1e6).toFixed(2)} M parameters (${size} MiB), ${gigaMacs} GMACs, ` +
    `${(activationBytes / 2 ** 20).toFixed(1)} MiB of activations an image in training (float32)`
  );
}

function pad(cell: string, width: number, alignRight: boolean): string {
  return alignRight ? cell.padStart(width) : cell.padEnd(width);
}
