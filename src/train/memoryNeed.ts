/** @file What a training step's memory goes into, for the report of a run that has not enough of it. */
import type {Config} from '../config/schema.js';
import type {LayerSummary} from '../models/summary.js';
import {formatBytes} from '../report/format.js';

const SHOWN = 3;
const BYTES_PER_NUMBER = 4;

/**
 * In a few words: the batch, the input, and the layers with the largest outputs, which are kept for the backward pass.
 * @param layers none if the model was not built yet
 */
export function memoryNeed({train, model}: Config, layers: readonly LayerSummary[]): string {
  const settings = `train.batchSize=${train.batchSize}, model.input=[${model.input}], train.precision=${train.precision}`;
  const outputs = layers.flatMap(({name, output}) => {
    if (!output) return [];
    const shape = [train.batchSize, ...output.slice(1)];
    return [{name, shape, bytes: BYTES_PER_NUMBER * shape.reduce((product, size) => product * size)}];
  });
  if (outputs.length === 0) return `with ${settings}`;
  const largest = outputs.sort((a, b) => b.bytes - a.bytes).slice(0, SHOWN);
  const list = largest.map(({name, shape, bytes}) => `${name} [${shape}] ${formatBytes(bytes)}`).join(', ');
  return `with ${settings}; the largest outputs in training: ${list}`;
}
