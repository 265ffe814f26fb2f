// OKS-AP of 50,000 detections on 5,000 images, timed by stage: prints one line for people and one JSON line. Where
// Python has pycocotools, it scores the same files in the same run, and the two are compared.
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {COCO, COCOeval} from '../../dist/cocoapi/index.js';
import {stream} from '../../dist/random.js';

const {values} = parseArgs({
  strict: false,
  options: {
    images: {type: 'string', default: '5000'},
    detections: {type: 'string', default: '50000'},
    runs: {type: 'string', default: '3'},
    python: {type: 'string', default: 'python3'},
  },
});
const [images, detections, runs] = ['images', 'detections', 'runs'].map((key) => Number(values[key]));
const KEYPOINTS = 17;
const CROWDS = 0.02;

function person(random, id, image) {
  const [width, height] = [random.uniform(20, 300), random.uniform(40, 400)];
  const [x, y] = [random.uniform(0, 300), random.uniform(0, 200)];
  const keypoints = Array.from({length: KEYPOINTS}, () => [
    Math.round(x + random.uniform() * width),
    Math.round(y + random.uniform() * height),
    random.integer(3),
  ]).flatMap(([px, py, visibility]) => (visibility ? [px, py, visibility] : [0, 0, 0]));
  const labelled = keypoints.filter((value, i) => i % 3 === 2 && value > 0).length;
  const iscrowd = random.chance(CROWDS) ? 1 : 0;
  return {
    ...{id, image_id: image, category_id: 1, iscrowd, keypoints, num_keypoints: labelled},
    ...{bbox: [x, y, width, height], area: 0.6 * width * height},
  };
}

/** A detection near one of the image's people, or of nobody. */
function detection(random, image, people) {
  const near = people.length > 0 && random.chance(0.7) ? random.pick(people) : person(random, 0, image);
  const spread = random.uniform(0, 12);
  const keypoints = near.keypoints.flatMap((_, i) =>
    i % 3
      ? []
      : [
          near.keypoints[i] + random.normal(0, spread),
          near.keypoints[i + 1] + random.normal(0, spread),
          random.uniform(),
        ],
  );
  return {image_id: image, category_id: 1, keypoints, score: Math.round(1000 * random.uniform()) / 1000};
}

function records() {
  const random = stream(1, 'bench evaluation');
  const annotations = [];
  const results = [];
  for (let image = 1; image <= images; image++) {
    const people = Array.from({length: random.integer(5)}, (_, i) =>
      person(random, annotations.length + i + 1, image),
    );
    annotations.push(...people);
    const count = Math.floor((image * detections) / images) - Math.floor(((image - 1) * detections) / images);
    for (let i = 0; i < count; i++) results.push(detection(random, image, people));
  }
  const truth = {
    images: Array.from({length: images}, (_, i) => ({id: i + 1, width: 640, height: 480})),
    categories: [{id: 1, name: 'person'}],
    annotations,
  };
  return {truth, results};
}

/** Milliseconds of each stage, the fastest of several runs, and the figures. */
function timed(files) {
  const best = {};
  let stats = [];
  for (let run = 0; run < runs; run++) {
    let last = performance.now();
    const lap = (stage) => {
      const now = performance.now();
      best[stage] = Math.min(best[stage] ?? Number.POSITIVE_INFINITY, now - last);
      last = now;
    };
    const truth = new COCO(JSON.parse(readFileSync(files.truth, 'utf8')));
    lap('open');
    const found = truth.loadRes(files.results);
    lap('loadRes');
    const evaluator = new COCOeval(truth, found, 'keypoints');
    evaluator.evaluate();
    lap('evaluate');
    evaluator.accumulate();
    lap('accumulate');
    evaluator.summarize();
    lap('summarize');
    stats = evaluator.stats;
  }
  return {...best, total: Object.values(best).reduce((sum, value) => sum + value, 0), stats};
}

const PYTHON = `
import contextlib, io, json, sys, time
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
best = {}
for _ in range(int(sys.argv[3])):
    laps = {}
    with contextlib.redirect_stdout(io.StringIO()):
        t = time.perf_counter(); gt = COCO(sys.argv[1]); laps['open'] = time.perf_counter() - t
        t = time.perf_counter(); dt = gt.loadRes(sys.argv[2]); laps['loadRes'] = time.perf_counter() - t
        e = COCOeval(gt, dt, 'keypoints')
        for stage in ('evaluate', 'accumulate', 'summarize'):
            t = time.perf_counter(); getattr(e, stage)(); laps[stage] = time.perf_counter() - t
    for k, v in laps.items(): best[k] = min(best.get(k, 1e9), 1000 * v)
print(json.dumps({**best, 'total': sum(best.values()), 'stats': [float(v) for v in e.stats]}))
`;

/** pycocotools on the same files; null where Python has it not. */
function peer(files) {
  try {
    execFileSync(values.python, ['-c', 'import pycocotools'], {stdio: 'ignore'});
  } catch {
    return null;
  }
  const args = ['-c', PYTHON, files.truth, files.results, String(runs)];
  return JSON.parse(execFileSync(values.python, args, {encoding: 'utf8'}));
}

function inWords({total, ...stages}) {
  const parts = Object.entries(stages).filter(([name]) => name !== 'stats');
  return `${(total / 1000).toFixed(2)} s (${parts.map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`).join(', ')})`;
}

const folder = mkdtempSync(join(tmpdir(), 'bench-evaluation-'));
try {
  const files = {truth: join(folder, 'truth.json'), results: join(folder, 'results.json')};
  for (const [name, content] of Object.entries(records()))
    writeFileSync(files[name], JSON.stringify(content));
  const ours = timed(files);
  const theirs = peer(files);
  const difference = theirs && Math.max(...ours.stats.map((value, i) => Math.abs(value - theirs.stats[i])));
  const ratio = theirs && theirs.total / ours.total;
  console.log(`OKS-AP, ${images} images, ${detections} detections: ${inWords(ours)}`);
  console.log(
    theirs
      ? `pycocotools, same files: ${inWords(theirs)}; ours is ${ratio.toFixed(1)} times as fast, figures differ by at most ${difference.toExponential(1)}`
      : `pycocotools: ${values.python} has it not, so there is no ratio`,
  );
  console.log(JSON.stringify({benchmark: 'evaluation', images, detections, ours, theirs, ratio, difference}));
} finally {
  rmSync(folder, {recursive: true});
}
