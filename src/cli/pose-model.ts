/** @file `pose-model`: what a model is made of; its weights from elsewhere and for elsewhere. */
import type {Config} from '../config/schema.js';
import {UserError} from '../errors.js';
import {commandLine, runCommand} from './command.js';
import {configOf, textOption, withConfigOptions} from './configOptions.js';

const command = () =>
  withConfigOptions(
    commandLine('pose-model', 'pose-model summary|import|export|average [FILE ...] [key=value ...]'),
  )
    .option('depth', {type: 'number', default: 2, describe: 'summary: levels of the tree of layers'})
    .option('json', {
      type: 'boolean',
      default: false,
      describe: 'summary: print one JSON object on stdout and nothing else',
    })
    .option('out', textOption('import, export, average: the .safetensors file to write, or a folder for it'))
    .option('checkpoint', textOption('export: a checkpoint folder, its pointer (checkpoints/best) or a file'))
    .option('to', {choices: ['safetensors'], default: 'safetensors', describe: 'export: the format'})
    .demandCommand(1, 'a command is needed: summary, import, export or average')
    .example('pose-model summary --cfg experiments/coco/hrnet_w32.yaml', 'parameters and MACs by layer')
    .example('pose-model summary --cfg … --depth 9 model.input=[384,288]', 'every layer, at another size')
    .example('pose-model import pose_hrnet_w32.pth --cfg … --out w32.safetensors', 'published weights')
    .example(
      'pose-model export --checkpoint output/run/checkpoints/best --out best.safetensors',
      'for others',
    )
    .example('pose-model average A B C --out mean.safetensors', 'the mean of several checkpoints');

type Parsed = Awaited<ReturnType<ReturnType<typeof command>['parseAsync']>>;

function needed(parsed: Parsed, option: 'cfg' | 'out' | 'checkpoint'): string {
  const value = parsed[option];
  if (value !== undefined) return value;
  throw new UserError('usage', `pose-model: Missing required argument: ${option}. See "pose-model --help".`);
}

/** What stands behind the command: files, and overrides of the configuration. */
function operands({_: [, ...rest]}: Parsed): {files: string[]; overrides: string[]} {
  const texts = rest.map(String);
  const isOverride = (text: string) => /^[\w.]+=/.test(text);
  return {files: texts.filter((text) => !isOverride(text)), overrides: texts.filter(isOverride)};
}

function configIfGiven(parsed: Parsed): Config | null {
  const {overrides} = operands(parsed);
  if (parsed.cfg !== undefined) return configOf(parsed.cfg, {...parsed, _: overrides}).config;
  if (overrides.length === 0) return null;
  throw new UserError('usage', `pose-model: "${overrides[0]}" changes a configuration; give one by --cfg.`);
}

async function showSummary(parsed: Parsed): Promise<string> {
  const {files, overrides} = operands(parsed);
  const {config} = configOf(needed(parsed, 'cfg'), {...parsed, _: [...files, ...overrides]});
  const {modelSummary} = await import('./modelSummary.js');
  return modelSummary(config, parsed);
}

async function importOne(parsed: Parsed): Promise<string> {
  const {files} = operands(parsed);
  if (files.length !== 1) throw new UserError('usage', 'pose-model import: give one file of weights.');
  const {importWeights} = await import('./modelFiles.js');
  return importWeights(files[0], needed(parsed, 'out'), configIfGiven(parsed));
}

async function exportOne(parsed: Parsed): Promise<string> {
  const [source, out] = [needed(parsed, 'checkpoint'), needed(parsed, 'out')];
  const {exportWeights} = await import('./modelFiles.js');
  return exportWeights(source, out, configIfGiven(parsed));
}

async function averageSeveral(parsed: Parsed): Promise<string> {
  const {averageFiles} = await import('./modelFiles.js');
  return averageFiles(operands(parsed).files, needed(parsed, 'out'));
}

const COMMANDS: Readonly<Record<string, (parsed: Parsed) => Promise<string>>> = {
  summary: showSummary,
  import: importOne,
  export: exportOne,
  average: averageSeveral,
};

await runCommand(async () => {
  const parsed = await command().parseAsync();
  const name = String(parsed._[0]);
  if (!Object.hasOwn(COMMANDS, name)) {
    const known = Object.keys(COMMANDS).join(', ');
    throw new UserError('usage', `pose-model: unknown command "${name}"; there is: ${known}.`);
  }
  process.stdout.write(`${await COMMANDS[name](parsed)}\n`);
  return undefined;
});
