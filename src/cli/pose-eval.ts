/** @file `pose-eval`: scores a checkpoint, or ready predictions without a model. */
import {UserError} from '../errors.js';
import {commandLine, overridesOf, runCommand} from './command.js';
import {configOf, textOption, withConfigOptions} from './configOptions.js';
import {parseMetrics, parseNormalizer, parseThreshold, withMetricOptions} from './metricOptions.js';
import {scoreResults} from './scoreResults.js';

const evalCommand = () =>
  withMetricOptions(
    withConfigOptions(commandLine('pose-eval', 'pose-eval --cfg FILE [--checkpoint F] [key=value ...]')),
  )
    .option('checkpoint', textOption("weights or a checkpoint folder; by default the run's best"))
    .option('results', textOption("score these predictions in COCO's result format, without a model"))
    .option('annotations', textOption('annotations to score --results against'))
    .option('json', {
      type: 'boolean',
      default: false,
      describe: 'print one JSON object on stdout and nothing else',
    })
    .example('pose-eval --cfg experiments/coco/hrnet_w32.yaml', "the run's best checkpoint")
    .example('pose-eval --cfg … --checkpoint F.pth dataset.useGroundTruthBoxes=false', 'with detector boxes')
    .example('pose-eval --results R.json --annotations GT.json --json', 'ready predictions')
    .example(
      'pose-eval --metric pck,auc --normalizer torso --results R.json --annotations GT.json',
      'as for LSP',
    )
    .example('pose-eval --metric pckh --results P.json --annotations gt_valid.mat', 'as for MPII');

/** Options that say how ready predictions are scored; a configuration says it by its `eval` section. */
const SCORING = ['metric', 'normalizer', 'threshold', 'keypoints'] as const;

await runCommand(async () => {
  const parsed = await evalCommand().parseAsync();
  const {results, annotations, cfg, json, perKeypoint} = parsed;
  if (results === undefined) {
    if (cfg === undefined)
      throw new UserError('usage', 'pose-eval: give --cfg FILE, or --results R.json --annotations GT.json.');
    const option = SCORING.find((name) => parsed[name] !== undefined);
    if (option !== undefined)
      throw new UserError(
        'usage',
        `pose-eval: --${option} goes with --results; with --cfg set eval.metrics, eval.pck or dataset.keypoints.`,
      );
    const {config, legacy} = configOf(cfg, parsed);
    // The engine takes a second to load, which scoring ready predictions need not wait for.
    const {evaluateCheckpoint} = await import('./evaluateCheckpoint.js');
    await evaluateCheckpoint(config, {
      // TEST.MODEL_FILE of HRNet's files.
      checkpoint: parsed.checkpoint ?? legacy?.checkpoint ?? undefined,
      json,
      perKeypoint,
    });
    return undefined;
  }
  if (annotations === undefined)
    throw new UserError('usage', 'pose-eval: --results needs --annotations GT.json.');
  const [extra] = overridesOf(parsed._);
  if (extra !== undefined)
    throw new UserError('usage', `pose-eval: "${extra}": overrides have no meaning with --results.`);
  await scoreResults(results, annotations, {
    metrics: parseMetrics(parsed.metric),
    keypoints: parsed.keypoints ?? null,
    normalizer: parseNormalizer(parsed.normalizer),
    threshold: parseThreshold(parsed.threshold),
    json,
    perKeypoint,
  });
  return undefined;
});
