// What the codecs lose and what they cost: errors of encode-then-decode and of the flip test, times a sample. Prints tables.
import * as tf from '@tensorflow/tfjs';
import {createCodec} from '../dist/codecs/create.js';
import {flipOutputs} from '../dist/codecs/flip.js';
import {selectBackend} from '../dist/engine/index.js';
import {stream} from '../dist/random.js';

const KEYPOINTS = 17;
const BATCH = 32;
const HEATMAPS = ['msra', 'dark', 'udp'].map((type) => ({type, stride: 4, keypoints: KEYPOINTS}));
const SIMCC = {type: 'simcc', splitRatio: 2, normalize: false, keypoints: KEYPOINTS};
const SPECS = [
  ...HEATMAPS.map((spec) => ({...spec, input: [256, 192], sigma: 2})),
  {...SIMCC, input: [256, 192], sigma: [4.9, 5.66]},
  ...HEATMAPS.map((spec) => ({...spec, input: [384, 288], sigma: 3})),
  {...SIMCC, input: [384, 288], sigma: [6, 6.93]},
  ...HEATMAPS.map((spec) => ({...spec, input: [160, 128], sigma: 1.5})),
];

/** People whose keypoints all lie at least `margin` pixels from every border. */
function makePeople(count, [height, width], margin, random) {
  const coordinate = (length) => random.uniform(margin, length - 1 - margin);
  const keypoint = () => [coordinate(width), coordinate(height), 1];
  return Array.from({length: count}, () =>
    Float64Array.from(Array.from({length: KEYPOINTS}, keypoint).flat()),
  );
}

function emptyTargets(codec, count) {
  return codec.targets.map(({shape}) => new Float32Array(shape.reduce((size, n) => size * n, count)));
}

function encode(codec, people, targets) {
  const weights = new Float32Array(people.length * KEYPOINTS);
  people.forEach((points, slot) => {
    codec.encode(points, targets, weights, slot);
  });
  return targets;
}

function flip(codec, arrays, count, align) {
  const flipped = tf.tidy(() => {
    const tensors = arrays.map((array, i) => tf.tensor(array, [count, ...codec.targets[i].shape]));
    return flipOutputs(codec, tensors, [], align);
  });
  const values = flipped.map((tensor) => tensor.dataSync());
  tf.dispose(flipped);
  return values;
}

/** Mean and greatest distance along one axis. */
function errors(codec, outputs, people) {
  const {coordinates} = codec.decode(outputs, people.length);
  const distances = Array.from(coordinates, (found, i) => {
    const [keypoint, axis] = [i >> 1, i & 1];
    const points = people[Math.floor(keypoint / KEYPOINTS)];
    return Math.abs(found - points[3 * (keypoint % KEYPOINTS) + axis]);
  });
  const mean = distances.reduce((sum, value) => sum + value, 0) / distances.length;
  return `${mean.toFixed(3)} / ${distances.reduce((most, value) => Math.max(most, value), 0).toFixed(3)}`;
}

/** Of the mean of an output and of that for the mirrored input. */
function flipErrors(codec, people, width, align) {
  const mirrored = people.map((points) =>
    points.map((value, i) => (i % 3 === 0 ? width - 1 - value : value)),
  );
  const outputs = encode(codec, people, emptyTargets(codec, people.length));
  const others = encode(codec, mirrored, emptyTargets(codec, people.length));
  const back = flip(codec, others, people.length, align);
  const means = outputs.map((values, i) => values.map((value, at) => (value + back[i][at]) / 2));
  return errors(codec, means, people);
}

/** Median milliseconds a sample. */
function time(action) {
  for (let i = 0; i < 10; i++) action();
  const times = Array.from({length: 15}, () => {
    const start = performance.now();
    action();
    return performance.now() - start;
  });
  return Number((times.sort((a, b) => a - b)[7] / BATCH).toFixed(3));
}

await selectBackend({backend: 'torch', threads: 1});
const accuracy = {};
const speed = {};
for (const spec of SPECS) {
  const codec = createCodec(spec);
  const name = `${spec.type} ${spec.input.join('x')}, sigma ${[spec.sigma].flat().join(', ')}`;
  const random = stream(0, 'bench/codecs');
  const [inside, anywhere] = [32, 0].map((margin) => makePeople(200, spec.input, margin, random));
  const roundTrip = (people) =>
    errors(codec, encode(codec, people, emptyTargets(codec, people.length)), people);
  accuracy[name] = {
    inside: roundTrip(inside),
    anywhere: roundTrip(anywhere),
    'flip test': flipErrors(codec, inside, spec.input[1], false),
    'flip test, shifted': flipErrors(codec, inside, spec.input[1], true),
  };
  const people = makePeople(BATCH, spec.input, 0, random);
  const targets = emptyTargets(codec, BATCH);
  speed[name] = {
    encode: time(() => encode(codec, people, targets)),
    decode: time(() => codec.decode(targets, BATCH)),
    flip: time(() => flip(codec, targets, BATCH, codec.alignsFlipped)),
  };
}
console.log(
  'Errors along one axis in input pixels, mean / greatest (inside: 32 pixels or more from every border)',
);
console.table(accuracy);
console.log(`Milliseconds a sample of ${KEYPOINTS} keypoints, one thread`);
console.table(speed);
