#!/usr/bin/env node
// What goes wrong with keypoints, by kind (Ronchi & Perona 2017), of an ablation's networks, means over their seeds:
// node bench/keypointErrors.mjs output/rdpose [least IoU of people who overlap]. Prints a table for the people who overlap
// and one for the others. Good: a similarity of at least 0.85 with the keypoint. Jitter: at least 0.5. Swap: nearer to the
// keypoint, or its mirror image, of another person; inversion: nearer to the person's own mirror image; each by at least
// 0.5. Miss: none of these. A person's prediction is the one of the image that is most like them. Needs `npm run build`.
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {loadConfig} from '../dist/config/load.js';
import {loadKeypointSet} from '../dist/data/keypoints.js';
import {groupBy} from '../dist/grouping.js';
import {overlappingPeople} from '../dist/metrics/overlap.js';
import {markdownTable} from '../dist/report/tables.js';

const [folder, leastIou = '0.3'] = process.argv.slice(2);
if (!folder || !existsSync(join(folder, 'ablation.json'))) {
  process.stderr.write('error: give the folder of the ablation, as output/rdpose.\n');
  process.exit(2);
}

const KINDS = ['good', 'jitter', 'inversion', 'swap', 'miss'];

/** Of a place with keypoint `k` of a person, by the size of the one who was predicted there. */
function similarity([x, y], person, k, sigma, area) {
  const [px, py, visibility] = person.keypoints.slice(3 * k, 3 * k + 3);
  if (visibility === 0) return 0;
  return Math.exp(-((x - px) ** 2 + (y - py) ** 2) / (8 * area * sigma ** 2));
}

const placeOf = ({keypoints}, k) => keypoints.slice(3 * k, 3 * k + 2);

function oks(prediction, person, sigmas) {
  const sum = sigmas.reduce(
    (total, sigma, k) => total + similarity(placeOf(prediction, k), person, k, sigma, person.area),
    0,
  );
  return sum / person.num_keypoints;
}

function kindOf(place, person, others, k, mirror, sigma) {
  const of = (who, keypoint) => similarity(place, who, keypoint, sigma, person.area);
  const own = of(person, k);
  if (own >= 0.85) return 'good';
  const inversion = mirror === k ? 0 : of(person, mirror);
  const swap = Math.max(0, ...others.flatMap((other) => [of(other, k), of(other, mirror)]));
  const best = Math.max(own, inversion, swap);
  if (best < 0.5) return 'miss';
  if (own === best) return 'jitter';
  return swap === best ? 'swap' : 'inversion';
}

/** Group of people -> kind -> how many keypoints. */
function countErrors(run) {
  const {dataset} = loadConfig(join(run, 'config.yaml')).config;
  const {sigmas, flipPairs} = loadKeypointSet(dataset.keypoints);
  const mirrors = sigmas.map((_, k) => flipPairs.find((pair) => pair.includes(k))?.find((i) => i !== k) ?? k);
  const {annotations} = JSON.parse(readFileSync(join(dataset.root, dataset.val.annotations), 'utf8'));
  const results = JSON.parse(readFileSync(join(run, 'results/keypoints_val_results.json'), 'utf8'));
  const predictions = groupBy(results, ({image_id}) => image_id);
  const overlapping = overlappingPeople(annotations, Number(leastIou));
  const counts = {overlapping: {}, apart: {}};
  for (const [image, people] of groupBy(annotations, ({image_id}) => image_id)) {
    const found = predictions.get(image) ?? [];
    for (const person of people.filter(({num_keypoints}) => num_keypoints > 0)) {
      if (found.length === 0) continue;
      const likeness = found.map((prediction) => oks(prediction, person, sigmas));
      const prediction = found[likeness.indexOf(Math.max(...likeness))];
      const others = people.filter((other) => other !== person);
      const group = counts[overlapping.has(person.id) ? 'overlapping' : 'apart'];
      for (const [k, sigma] of sigmas.entries()) {
        if (person.keypoints[3 * k + 2] === 0) continue;
        const kind = kindOf(placeOf(prediction, k), person, others, k, mirrors[k], sigma);
        group[kind] = (group[kind] ?? 0) + 1;
      }
    }
  }
  return counts;
}

const {runs} = JSON.parse(readFileSync(join(folder, 'ablation.json'), 'utf8'));
const finished = runs.filter(({figures}) => figures !== null);
const networks = groupBy(finished, ({variants}) => variants.join(', '));
const header = ['network', 'runs', ...KINDS];
const counted = [...networks].map(([name, own]) => [
  name,
  own.map((run) => countErrors(join(folder, run.name))),
]);
for (const group of ['overlapping', 'apart']) {
  const table = counted.map(([name, counts]) => {
    const shares = KINDS.map((kind) => {
      const each = counts.map((count) => {
        const total = Object.values(count[group]).reduce((sum, number) => sum + number, 0);
        return (100 * (count[group][kind] ?? 0)) / total;
      });
      return (each.reduce((sum, share) => sum + share, 0) / each.length).toFixed(1);
    });
    return [name, String(counts.length), ...shares];
  });
  const people = group === 'apart' ? 'do not overlap' : 'overlap';
  process.stdout.write(`\nKeypoints of people who ${people}, %\n\n${markdownTable(header, table)}\n`);
}
