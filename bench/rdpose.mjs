#!/usr/bin/env node
// The table and the plot of RDPose's ablation, with either way of inference: node bench/rdpose.mjs output/rdpose
// Runs with FDM are evaluated once more with plain inference, from the same weights; what was evaluated is kept. Prints the
// table, and writes rdpose.svg beside the ablation's own results. Needs `npm run build`.
import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {dotPlot} from '../dist/report/dotPlot.js';
import {formatSpread} from '../dist/train/ablation/results.js';
import {combinationsOf} from '../dist/train/ablation/statistics.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FIGURES = ['AP_overlap', 'AP', 'AP50', 'AP75', 'AR'];
const WITH_FDM = ['fdm', 'both'];

const [folder] = process.argv.slice(2);
if (!folder || !existsSync(join(folder, 'ablation.json'))) {
  process.stderr.write('error: give the folder of the ablation, as output/rdpose.\n');
  process.exit(2);
}

/** The figures of a run's last weights with plain inference. */
function plainFigures(name) {
  const run = join(folder, name);
  const kept = join(run, 'plain.json');
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8'));
  const {status, stdout} = spawnSync(
    process.execPath,
    [
      ...[join(ROOT, 'bin/pose-eval.js'), '--cfg', join(run, 'config.yaml')],
      ...['--checkpoint', join(run, 'checkpoints/last'), '--json'],
      ...['model.head.inference=plain', `name=${name}-plain`],
    ],
    {encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']},
  );
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(kept, stdout);
  return JSON.parse(stdout);
}

const finished = JSON.parse(readFileSync(join(folder, 'ablation.json'), 'utf8')).runs.filter(
  ({figures}) => figures !== null,
);
const measured = finished.flatMap(({name, seed, variants: [network], figures}) => {
  if (!WITH_FDM.includes(network)) return [{variants: [network, 'plain'], seed, figures}];
  return [
    {variants: [network, 'decoupled'], seed, figures},
    {variants: [network, 'plain'], seed, figures: plainFigures(name)},
  ];
});
const rows = combinationsOf(measured);

const line = (cells) => `| ${cells.join(' | ')} |`;
const header = ['network', 'inference', 'runs', ...FIGURES];
const table = [line(header), line(header.map(() => '---'))];
for (const {variants, seeds, figures} of rows) {
  table.push(line([...variants, seeds.length, ...FIGURES.map((name) => formatSpread(figures[name]))]));
}
process.stdout.write(`${table.join('\n')}\n`);

const dots = rows
  .filter(({figures}) => figures.AP_overlap)
  .map(({variants, figures}) => ({label: variants.join(', '), ...figures.AP_overlap}));
if (dots.length > 0) {
  const xLabel = 'AP of people who overlap: runs, their mean, and one standard deviation';
  writeFileSync(
    join(folder, 'rdpose.svg'),
    dotPlot({title: 'RDPose where people overlap', xLabel, rows: dots}),
  );
}
