/** @file Parameters and multiply-accumulates of a model, layer by layer. */
import * as tf from '@tensorflow/tfjs';
import {Conv2d} from '../nn/layers.js';
import {type Layer, type Module, Parameter} from '../nn/module.js';

/** One layer that has parameters of its own. */
export interface LayerSummary {
  readonly name: string;
  readonly type: string;
  /** [1, H, W, C] for convolutions, null for layers that change no shape. */
  readonly output: readonly number[] | null;
  readonly parameters: number;
  /** Multiply-accumulates for one image; those of convolutions are counted, without bias. */
  readonly macs: number;
}

/**
 * Sends one blank image through the model and notes what its layers do.
 * @param input [height, width]
 */
export function summarize(model: Layer, input: readonly [number, number]): LayerSummary[] {
  const outputs = convolutionOutputs(model, input);
  const layers: LayerSummary[] = [];
  for (const [name, layer] of model.namedModules()) {
    const parameters = ownParameters(layer);
    if (parameters === 0) continue;
    const output = outputs.get(layer) ?? null;
    const macs = layer instanceof Conv2d && output ? convolutionMacs(layer, output) : 0;
    layers.push({name, type: layer.constructor.name, output, parameters, macs});
  }
  return layers;
}

function ownParameters(module: Module): number {
  const own = [...module.members()].flatMap(([, member]) => (member instanceof Parameter ? [member] : []));
  return own.reduce((sum, {variable}) => sum + variable.size, 0);
}

/** Every output cell of a channel takes one product for each weight of that channel. */
function convolutionMacs({weight}: Conv2d, [, height, width]: readonly number[]): number {
  return height * width * weight.variable.size;
}

/** In evaluation mode, so that running statistics stay; the mode is put back. */
function convolutionOutputs(
  model: Layer,
  [height, width]: readonly [number, number],
): Map<Module, readonly number[]> {
  const outputs = new Map<Module, readonly number[]>();
  const convolutions = [...model.namedModules().values()].filter((layer) => layer instanceof Conv2d);
  for (const layer of convolutions) layer.onOutput = (shape) => outputs.set(layer, shape);
  const {training} = model;
  try {
    model.eval();
    tf.tidy(() => model.forward(tf.zeros([1, height, width, 3])));
  } finally {
    model.train(training);
    for (const layer of convolutions) layer.onOutput = null;
  }
  return outputs;
}

export interface SummaryTotals {
  readonly parameters: number;
  readonly macs: number;
}

export function summaryTotals(layers: readonly LayerSummary[]): SummaryTotals {
  return {
    parameters: layers.reduce((sum, layer) => sum + layer.parameters, 0),
    macs: layers.reduce((sum, layer) => sum + layer.macs, 0),
  };
}

const grouped = (count: number): string => count.toLocaleString('en-US');

/** A text table with a line a layer and a line of totals. GMACs are units of 10⁹, not of 2³⁰. */
export function formatSummary(layers: readonly LayerSummary[]): string {
  const {parameters, macs} = summaryTotals(layers);
  const rows = [
    ['layer', 'type', 'output', 'parameters', 'MACs'],
    ...layers.map(({name, type, output, ...counts}) => [
      name,
      type,
      output ? output.slice(1).join('×') : '',
      grouped(counts.parameters),
      counts.macs > 0 ? grouped(counts.macs) : '',
    ]),
    ['total', '', '', grouped(parameters), grouped(macs)],
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => pad(cell, widths[i], i >= 3))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n${(parameters / 1e6).toFixed(2)} M parameters, ${(macs / 1e9).toFixed(2)} GMACs\n`;
}

function pad(cell: string, width: number, alignRight: boolean): string {
  return alignRight ? cell.padStart(width) : cell.padEnd(width);
}
