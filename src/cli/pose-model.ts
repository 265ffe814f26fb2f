/** @file `pose-model`: what a model is made of. */
import {UserError} from '../errors.js';
import {commandLine, runCommand} from './command.js';
import {configOf, withConfigOptions} from './configOptions.js';
import {modelSummary} from './modelSummary.js';

await runCommand(async () => {
  const parsed = await withConfigOptions(
    commandLine('pose-model', 'pose-model summary --cfg FILE [key=value ...]'),
  )
    .demandCommand(1, 'a command is needed: summary')
    .demandOption('cfg')
    .option('depth', {type: 'number', default: 2, describe: 'levels of the tree of layers that are shown'})
    .option('json', {
      type: 'boolean',
      default: false,
      describe: 'print one JSON object on stdout and nothing else',
    })
    .example('pose-model summary --cfg experiments/coco/hrnet_w32.yaml', 'parameters and MACs by layer')
    .example('pose-model summary --cfg … --depth 9 model.input=[384,288]', 'every layer, at another size')
    .parseAsync();
  const [command, ...overrides] = parsed._;
  if (command !== 'summary') {
    throw new UserError('usage', `pose-model: unknown command "${command}"; there is: summary.`);
  }
  const {config} = configOf(parsed.cfg, {...parsed, _: overrides});
  await modelSummary(config, parsed);
  return undefined;
});
