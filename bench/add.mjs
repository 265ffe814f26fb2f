// Microseconds of one `tf.add` with the disposal of its result, of one element and of a hundred: the least over many
// rounds, as one JSON line. One thread: there is nothing to share.
import * as tf from '@tensorflow/tfjs';
import {selectBackend} from '../dist/engine/index.js';

const [ROUNDS, CALLS] = [30, 10_000];

function microseconds(size) {
  const [a, b] = [tf.ones([size]), tf.ones([size])];
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let i = 0; i < CALLS; i++) tf.add(a, b).dispose();
    best = Math.min(best, performance.now() - start);
  }
  return (best * 1000) / CALLS;
}

await selectBackend({backend: 'torch', threads: 1});
process.stdout.write(`${JSON.stringify([1, 100].map(microseconds))}\n`);
