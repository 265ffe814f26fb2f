#!/usr/bin/env node
// The table and the plot of an ablation some of whose networks have two ways of inference from the same weights:
//   node bench/inferences.mjs output/rdpose --of fdm,both --ways decoupled,plain --override model.head.inference=plain
//   node bench/inferences.mjs output/distillation --of agentpose --ways student,agent --override distill.inference=agent
// Runs of these variants are evaluated once more with the override; what was evaluated is kept. Prints the table by the last
// axis's variants, and writes <second way>.svg, the dots of the first of --figures, beside the ablation's own results. Needs
// `npm run build`.
import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {dotPlot} from '../dist/report/dotPlot.js';
import {markdownTable} from '../dist/report/tables.js';
import {formatSpread} from '../dist/train/ablation/results.js';
import {combinationsOf} from '../dist/train/ablation/statistics.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const {
  positionals: [folder],
  values: {of, ways, override, figures, title},
} = parseArgs({
  allowPositionals: true,
  options: {
    of: {type: 'string'},
    ways: {type: 'string'},
    override: {type: 'string'},
    figures: {type: 'string', default: 'AP,AP50,AP75,AR'},
    title: {type: 'string', default: 'Networks, by their way of inference'},
  },
});
if (!folder || !of || !ways || !override || !existsSync(join(folder, 'ablation.json'))) {
  process.stderr.write(
    'error: give the folder of the ablation, as output/rdpose, --of, --ways and --override.\n',
  );
  process.exit(2);
}
const FIGURES = figures.split(',');
const TWO_WAYS = of.split(',');
const [FIRST, SECOND] = ways.split(',');

/** The figures of a run's last weights in the second way. */
function secondFigures(name) {
  const run = join(folder, name);
  const kept = join(run, `${SECOND}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8'));
  const {status, stdout} = spawnSync(
    process.execPath,
    [
      ...[join(ROOT, 'bin/pose-eval.js'), '--cfg', join(run, 'config.yaml')],
      ...['--checkpoint', join(run, 'checkpoints/last'), '--json'],
      ...[override, `name=${name}-${SECOND}`],
    ],
    {encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']},
  );
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(kept, stdout);
  return JSON.parse(stdout);
}

const finished = JSON.parse(readFileSync(join(folder, 'ablation.json'), 'utf8')).runs.filter(
  (run) => run.figures !== null,
);
const measured = finished.flatMap(({name, seed, variants, figures}) => {
  if (!TWO_WAYS.includes(variants.at(-1))) return [{variants: [...variants, '–'], seed, figures}];
  return [
    {variants: [...variants, FIRST], seed, figures},
    {variants: [...variants, SECOND], seed, figures: secondFigures(name)},
  ];
});
const rows = combinationsOf(measured);

const table = rows.map(({variants, seeds, figures}) => [
  variants.slice(0, -1).join(', '),
  variants.at(-1),
  String(seeds.length),
  ...FIGURES.map((figure) => formatSpread(figures[figure])),
]);
process.stdout.write(`${markdownTable(['network', 'inference', 'runs', ...FIGURES], table)}\n`);

const dots = rows
  .filter(({figures}) => figures[FIGURES[0]])
  .map(({variants, figures}) => ({
    label: variants.filter((part) => part !== '–').join(', '),
    ...figures[FIGURES[0]],
  }));
const xLabel = `${FIGURES[0]}: runs, their mean, and one standard deviation`;
writeFileSync(join(folder, `${SECOND}.svg`), dotPlot({title, xLabel, rows: dots}));
