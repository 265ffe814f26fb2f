// Writes the checkpoint of the present format version that later versions must still read: run it once when the version
// goes up, after `npm run build`, and keep the folders of the versions before.
//   node test/faults/makeFormatFixture.mjs test/faults/format-1
import {saveCheckpoint} from '../../dist/checkpoint/save.js';

const floats = (...values) => ({dtype: 'F32', shape: [values.length], data: Float32Array.from(values)});

const [folder] = process.argv.slice(2);
await saveCheckpoint(folder, 7, {
  model: new Map([
    ['conv.weight', {...floats(1, -0.5, 3.25, 0.1), shape: [2, 2]}],
    ['bn.num_batches_tracked', {dtype: 'I64', shape: [], data: BigInt64Array.of(7n)}],
  ]),
  ema: new Map([['conv.weight', floats(2, 4, 8, 16)]]),
  optimizer: new Map([['exp_avg.conv.weight', floats(0.5)]]),
  state: {step: 7, epoch: 2, note: 'Zürich'},
});
