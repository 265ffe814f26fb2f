/** @file `pose-train`: trains, validates and keeps the best. */
import {formatConfig} from '../config/format.js';
import {UserError} from '../errors.js';
import {commandLine, runCommand} from './command.js';
import {configArguments, configOf, textOption, withConfigOptions} from './configOptions.js';

await runCommand(async () => {
  const parsed = await withConfigOptions(commandLine('pose-train', 'pose-train --cfg FILE [key=value ...]'))
    .demandOption('cfg')
    .option('resume', {
      type: 'boolean',
      default: false,
      describe: "go on from the run's newest good checkpoint",
    })
    .option(
      'allow-config-change',
      textOption('with --resume: keys that may differ from the run that was begun, separated by commas'),
    )
    .option('print-config', {
      type: 'boolean',
      default: false,
      describe: 'show every value and its origin, and end',
    })
    .option('dry-run', {
      type: 'boolean',
      default: false,
      describe: 'one batch through everything; keeps nothing',
    })
    .option('matrix', textOption('an ablation: train every combination of this file'))
    .option('jobs', {type: 'number', describe: 'with --matrix: so many runs at a time; default 1'})
    .implies('jobs', 'matrix')
    .example('pose-train --cfg experiments/coco/hrnet_w32.yaml', 'train as the recipe says')
    .example('pose-train --cfg … train.batchSize=16 seed=3', 'change values of the recipe')
    .example('pose-train --cfg … --resume', 'go on with a run that was stopped')
    .example('pose-train --cfg … --matrix ablation.yaml', 'train every combination; again, to go on')
    .example('pose-train --cfg … --matrix ablation.yaml --jobs 2 threads=1', 'two at a time')
    .parseAsync();
  if (parsed.matrix !== undefined) return trainMatrix(parsed.cfg, parsed.matrix, parsed);
  const {config, sources, legacy} = configOf(parsed.cfg, parsed);
  if (legacy?.checkpoint)
    process.stderr.write(
      'note: TEST.MODEL_FILE is for pose-eval; a training starts from MODEL.PRETRAINED.\n',
    );
  if (parsed.printConfig) {
    process.stdout.write(`${formatConfig(config, sources)}\n`);
    return undefined;
  }
  // The engine takes a second to load, which usage errors need not wait for.
  if (parsed.dryRun) {
    const {dryRun} = await import('../train/dryRun.js');
    await dryRun(config);
    process.stdout.write('dry run: everything works; nothing was kept\n');
    return undefined;
  }
  const {endWithParent} = await import('../train/ablation/child.js');
  endWithParent();
  const {trainFromConfig} = await import('../train/train.js');
  const {signalExitCode} = await trainFromConfig(config, {
    // AUTO_RESUME of HRNet's files.
    resume: parsed.resume || (legacy?.resume ?? false),
    allowedChanges: parsed.allowConfigChange?.split(','),
  });
  return signalExitCode ?? undefined;
});

interface MatrixArguments {
  readonly _: readonly (string | number)[];
  readonly device?: string;
  readonly backend?: string;
  readonly seed?: string;
  readonly printConfig: boolean;
  readonly dryRun: boolean;
  readonly jobs?: number;
}

/** @returns the exit code */
async function trainMatrix(
  cfg: string,
  matrix: string,
  parsed: MatrixArguments,
): Promise<number | undefined> {
  if (parsed.seed !== undefined) {
    throw new UserError('usage', `pose-train: the seeds of a --matrix stand in its file: ${matrix}.`);
  }
  if (parsed.printConfig) {
    throw new UserError(
      'usage',
      'pose-train: --print-config shows one run; --dry-run lists those of a --matrix.',
    );
  }
  const {listMatrix, runMatrix} = await import('../train/ablation/runMatrix.js');
  const options = {cfg, matrix, overrides: configArguments(parsed)};
  if (!parsed.dryRun) return runMatrix({...options, jobs: jobsOf(parsed)});
  await listMatrix(options);
  return undefined;
}

function jobsOf({jobs = 1}: MatrixArguments): number {
  if (Number.isInteger(jobs) && jobs >= 1) return jobs;
  throw new UserError('usage', `pose-train: --jobs is ${jobs}; expected a whole number from 1.`);
}
