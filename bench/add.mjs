// Microseconds of one `tf.add` of one element with the disposal of its result: the least over many rounds, as one JSON
// line. One thread: there is nothing to share.
import * as tf from '@tensorflow/tfjs';
import {selectBackend} from '../dist/engine/index.js';

const [ROUNDS, CALLS] = [30, 10_000];

await selectBackend({backend: 'torch', threads: 1});
const [a, b] = [tf.tensor1d([1]), tf.tensor1d([2])];
let best = Number.POSITIVE_INFINITY;
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now();
  for (let i = 0; i < CALLS; i++) tf.add(a, b).dispose();
  best = Math.min(best, performance.now() - start);
}
process.stdout.write(`${JSON.stringify((best * 1000) / CALLS)}\n`);
