/** @file What a training step's memory goes into, for a run that has not enough of it, and whether it will have. */
import type {Config} from '../config/schema.js';
import {type LayerSummary, summaryTotals} from '../models/summary.js';
import {formatBytes} from '../report/format.js';

const SHOWN = 3;
const BYTES_PER_NUMBER = 4;
/** What a step takes for each byte of the summary's activations, at least: HRNet-W32 1.26, RTMPose-l 1.2 to 1.4. */
const TAKEN = 1.2;

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

/**
 * A warning, where the activations of a step are more than is free; else null. Linux promises more memory than it has, and
 * kills the process that uses it.
 * @param free bytes of memory
 */
export function memoryWarning(config: Config, layers: readonly LayerSummary[], free: number): string | null {
  const {batchSize, precision} = config.train;
  const taken = (TAKEN * batchSize * summaryTotals(layers).activationBytes) / (precision === 'bf16' ? 2 : 1);
  if (taken <= free) return null;
  return (
    `The activations of a step take ${formatBytes(taken)}, and ${formatBytes(free)} of memory are free: the system may kill ` +
    `the run without a word, ${memoryNeed(config, layers)}.`
  );
}
