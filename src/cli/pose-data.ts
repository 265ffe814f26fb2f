/** @file `pose-data`: makes the synthetic dataset, and shows any dataset as the network gets it. */
import {UserError} from '../errors.js';
import {commandLine, runCommand} from './command.js';
import {configOf, withConfigOptions} from './configOptions.js';
import {stats} from './datasetStatistics.js';
import {make} from './makeSyntheticCommand.js';
import {showSamples} from './showSamples.js';

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
  else if (command === 'stats') await stats();
  else if (command === 'show') await show();
  else {
    await commandLine('pose-data', 'pose-data COMMAND [options]')
      .command('make-synthetic', 'writes a COCO-format dataset of drawn people')
      .command('stats', 'counts people, sizes, visibility and crowding')
      .command('show', 'draws samples with their targets on one sheet')
      .example('pose-data make-synthetic --help', 'the options of a command')
      .demandCommand(1, 'a command is needed: make-synthetic, stats or show')
      .strictCommands()
      .parseAsync();
  }
  return undefined;
});
