/** @file `pose-model`: what a model is made of. */
import {loadKeypointSet} from '../data/keypoints.js';
import {selectBackend} from '../engine/index.js';
import {UserError} from '../errors.js';
import {buildModel} from '../models/registry.js';
import {formatSummary, summarize} from '../models/summary.js';
import {commandLine, runCommand} from './command.js';
import {configOf, withConfigOptions} from './configOptions.js';

await runCommand(async () => {
  const parsed = await withConfigOptions(
    commandLine('pose-model', 'pose-model summary --cfg FILE [key=value ...]'),
  )
    .demandCommand(1, 'a command is needed: summary')
    .demandOption('cfg')
    .example('pose-model summary --cfg experiments/coco/hrnet_w32.yaml', 'parameters and MACs by layer')
    .parseAsync();
  const [command, ...overrides] = parsed._;
  if (command !== 'summary') {
    throw new UserError('usage', `pose-model: unknown command "${command}"; there is: summary.`);
  }
  const {config} = configOf(parsed.cfg, {...parsed, _: overrides});
  await selectBackend(config);
  const keypoints = loadKeypointSet(config.dataset.keypoints).names.length;
  const model = buildModel(config.model, keypoints, config.seed);
  process.stdout.write(`${formatSummary(summarize(model, config.model.input))}\n`);
  return undefined;
});
