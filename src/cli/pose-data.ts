/** @file `pose-data`: makes the synthetic dataset; looks for faults in any dataset, counts and shows its people. */
import {checkDataset} from './checkDataset.js';
import {commandLine, runCommand} from './command.js';
import {stats} from './datasetStatistics.js';
import {make} from './makeSyntheticCommand.js';
import {show} from './showSamples.js';

await runCommand(async () => {
  const command = process.argv.slice(2).find((argument) => !argument.startsWith('-'));
  if (command === 'make-synthetic') await make();
  else if (command === 'stats') await stats();
  else if (command === 'show') await show();
  else if (command === 'check') return checkDataset();
  else {
    await commandLine('pose-data', 'pose-data COMMAND [options]')
      .command('make-synthetic', 'writes a COCO-format dataset of drawn people')
      .command('check', 'looks for faults in annotations and images')
      .command('stats', 'counts people, sizes, visibility and crowding')
      .command('show', 'draws samples with their targets on one sheet')
      .example('pose-data make-synthetic --help', 'the options of a command')
      .demandCommand(1, 'a command is needed: make-synthetic, check, stats or show')
      .strictCommands()
      .parseAsync();
  }
  return undefined;
});
