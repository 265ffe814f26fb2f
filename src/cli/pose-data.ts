/** @file `pose-data`: makes the synthetic dataset, looks for faults in any dataset, and shows it as the network gets it. */
import {availableParallelism} from 'node:os';
import {makeSynthetic} from '../data/synthetic/index.js';
import {UserError} from '../errors.js';
import {RunConsole} from '../report/console.js';
import {checkDataset} from './checkDataset.js';
import {commandLine, runCommand} from './command.js';
import {configOf, withConfigOptions} from './configOptions.js';
import {showSamples} from './showSamples.js';

const makeCommand = () =>
  commandLine('pose-data make-synthetic', 'pose-data make-synthetic --out DIR --images N --seed S')
    .option('out', {type: 'string', demandOption: true, describe: 'folder of the dataset'})
    .option('images', {type: 'number', demandOption: true, describe: 'training images'})
    .option('val-images', {type: 'number', describe: 'validation images; by default 15 % as many'})
    .option('seed', {type: 'number', default: 0, describe: 'the same seed gives the same bytes'})
    .option('workers', {type: 'number', default: availableParallelism(), describe: 'threads'})
    .demandCommand(1, 1, '', 'it takes options only')
    .example('pose-data make-synthetic --out data/synthetic --images 1500 --seed 1', '');

async function make(): Promise<void> {
  const {out, images, valImages, seed, workers} = await makeCommand().parseAsync();
  const console = new RunConsole();
  const started = performance.now();
  const onProgress = (done: number, total: number) =>
    console.progress(() => `drawing image ${done}/${total}`);
  const made = await makeSynthetic({out, images, valImages, seed, workers, onProgress});
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.line(`${out}: ${made.images} images, ${made.people} people in ${seconds} s`);
}

const showCommand = () =>
  withConfigOptions(commandLine('pose-data show', 'pose-data show --cfg FILE [key=value ...]'))
    .demandOption('cfg')
    .option('split', {
      choices: ['train', 'val'] as const,
      default: 'train' as const,
      describe: 'which people',
    })
    .option('count', {type: 'number', default: 12, describe: 'how many'})
    .option('out', {type: 'string', default: 'samples.jpg', describe: 'the sheet, a JPEG file'})
    .example('pose-data show --cfg experiments/coco/hrnet_w32.yaml --out samples.jpg', '');

async function show(): Promise<void> {
  const parsed = await showCommand().parseAsync();
  const {count} = parsed;
  if (!Number.isInteger(count) || count < 1) {
    throw new UserError('usage', `--count is ${count}: give a whole number of at least 1.`);
  }
  const {config} = configOf(parsed.cfg, {...parsed, _: parsed._.slice(1)});
  await showSamples(config, parsed);
  process.stdout.write(`${parsed.out}\n`);
}

await runCommand(async () => {
  const command = process.argv.slice(2).find((argument) => !argument.startsWith('-'));
  if (command === 'make-synthetic') await make();
  else if (command === 'show') await show();
  else if (command === 'check') return checkDataset();
  else {
    await commandLine('pose-data', 'pose-data COMMAND [options]')
      .command('make-synthetic', 'writes a COCO-format dataset of drawn people')
      .command('check', 'looks for faults in annotations and images')
      .command('show', 'draws samples with their targets on one sheet')
      .example('pose-data make-synthetic --help', 'the options of a command')
      .demandCommand(1, 'a command is needed: make-synthetic, check or show')
      .strictCommands()
      .parseAsync();
  }
  return undefined;
});
