/** @file `pose-data check`: every rule over annotations and images; a table of what was found, and a report that names it. */
import {resolve} from 'node:path';
import {writeFileAtomic} from '../checkpoint/files.js';
import {configSchema, type DatasetConfig} from '../config/schema.js';
import {type DataReport, type InspectionTarget, inspect, type RuleReport} from '../data/datasets/inspect.js';
import {loadKeypointSet} from '../data/keypoints.js';
import {EXIT_CODES, UserError} from '../errors.js';
import {RunConsole} from '../report/console.js';
import {formatCount} from '../report/format.js';
import {commandLine} from './command.js';
import {configOf, textOption, withConfigOptions} from './configOptions.js';

const SPLITS = ['train', 'val'] as const;
const USAGE =
  'pose-data check --cfg FILE [key=value ...]\npose-data check --annotations F --images D --keypoints SET';

const checkCommand = () =>
  withConfigOptions(commandLine('pose-data check', USAGE))
    .option('split', {choices: SPLITS, describe: 'of --cfg; by default both'})
    .option('annotations', textOption('an annotation file, instead of those of --cfg'))
    .option('images', textOption('its images, a folder or an archive; --no-images decodes none'))
    .option('keypoints', textOption('its keypoint set, a name or a file'))
    .option('type', {...textOption('its format: coco, mpii or wholebody'), default: 'coco'})
    .option('category', textOption('its category of people; by default person, or the only one'))
    .option('head-boxes', textOption('its head boxes, for MPII: gt_valid.mat of the HRNet repository'))
    .option('out', {...textOption('the report'), default: 'data-report.json'})
    .example('pose-data check --cfg experiments/coco/hrnet_w32.yaml', 'both splits')
    .example('pose-data check --annotations a.json --images photos --keypoints coco17', 'one file');

type Parsed = Awaited<ReturnType<ReturnType<typeof checkCommand>['parseAsync']>>;

interface Task {
  readonly targets: readonly InspectionTarget[];
  readonly maxBadFraction: number;
}

/** @returns the exit code: 3 if more of a file is bad than may be */
export async function checkDataset(): Promise<number> {
  const parsed = await checkCommand().parseAsync();
  const {targets, maxBadFraction} = taskOf(parsed);
  const reports: DataReport[] = [];
  for (const target of targets) reports.push(await inspectShown(target, !isWithoutImages(parsed)));
  const isFine = reports.every(({badFraction}) => badFraction <= maxBadFraction);
  await writeFileAtomic(parsed.out, `${JSON.stringify({isFine, maxBadFraction, files: reports}, null, 1)}\n`);
  for (const report of reports) process.stdout.write(`${tableOf(report, maxBadFraction)}\n`);
  process.stdout.write(`${parsed.out} names every record.\n`);
  return isFine ? EXIT_CODES.done : EXIT_CODES.data;
}

async function inspectShown(target: InspectionTarget, decodeImages: boolean): Promise<DataReport> {
  const console = new RunConsole();
  return inspect(target, {
    decodeImages,
    onProgress: (done, total) => console.progress(() => `decoding image ${done}/${total}`),
  });
}

/** yargs turns `--no-images` into the value false. */
function isWithoutImages({images}: Parsed): boolean {
  return (images as unknown) === false;
}

function taskOf(parsed: Parsed): Task {
  const overrides = parsed._.slice(1);
  if (parsed.cfg !== undefined && parsed.annotations === undefined) {
    const {dataset} = configOf(parsed.cfg, {...parsed, _: overrides}).config;
    const splits = parsed.split === undefined ? SPLITS : [parsed.split];
    const targets = splits.map((split) => targetOf(dataset, split));
    if (splits.includes('train')) targets.push(...sourceTargets(dataset));
    return {targets, maxBadFraction: dataset.maxBadFraction};
  }
  if (parsed.annotations === undefined || parsed.cfg !== undefined) {
    throw new UserError(
      'usage',
      'pose-data check: give --cfg FILE, or --annotations F --images D --keypoints SET.',
    );
  }
  const {annotations, images, keypoints, type, category = null, headBoxes = null} = parsed;
  if (keypoints === undefined || images === undefined || overrides.length > 0) {
    throw new UserError(
      'usage',
      'pose-data check: --annotations needs --keypoints SET and --images D (or --no-images), and takes no overrides.',
    );
  }
  const target = {
    type,
    annotations,
    images: isWithoutImages(parsed) ? null : images,
    detections: null,
    headBoxes,
    keypointSet: loadKeypointSet(keypoints),
    category,
    limit: null,
    onMissing: 'error' as const,
  };
  return {
    targets: [target],
    maxBadFraction: configSchema.shape.dataset.shape.maxBadFraction.parse(undefined),
  };
}

function targetOf(dataset: DatasetConfig, split: (typeof SPLITS)[number]): InspectionTarget {
  const {annotations, images, detections, headBoxes} = dataset[split];
  return {
    type: dataset.type,
    annotations: resolve(dataset.root, annotations),
    images: resolve(dataset.root, images),
    detections: detections === null ? null : resolve(dataset.root, detections),
    headBoxes: headBoxes === null ? null : resolve(dataset.root, headBoxes),
    keypointSet: loadKeypointSet(dataset.keypoints),
    category: dataset.category,
    limit: dataset.limit,
    onMissing: dataset.onMissing,
  };
}

function sourceTargets({sources, limit, onMissing}: DatasetConfig): InspectionTarget[] {
  return sources.map(({type, root, annotations, images, keypoints, category}) => ({
    type,
    annotations: resolve(root, annotations),
    images: resolve(root, images),
    detections: null,
    headBoxes: null,
    keypointSet: loadKeypointSet(keypoints),
    category,
    limit,
    onMissing,
  }));
}

const FATE = {reject: 'left out', repair: 'mended', note: 'noted'} as const;

/** A file's faults, the bad ones first: how many, what becomes of them, which, and the first. */
function tableOf(
  {annotations, counts, people, rules, badFraction}: DataReport,
  maxBadFraction: number,
): string {
  const totals = Object.entries(counts).map(([subject, count]) => `${formatCount(count)} ${subject}`);
  const ordered = [...rules].sort((a, b) => Number(b.bad) - Number(a.bad));
  const share = `${Number((100 * badFraction).toPrecision(3))} % bad, ${100 * maxBadFraction} % allowed`;
  const verdict = badFraction <= maxBadFraction ? 'fine' : 'too many';
  return [
    `${annotations}: ${totals.join(', ')}; ${formatCount(people)} people to train on`,
    ...ordered.map(lineOf),
    `  ${share}: ${verdict}`,
  ].join('\n');
}

function lineOf({count, bad, action, text, records: [{record, detail}]}: RuleReport): string {
  const fate = bad ? 'bad' : FATE[action];
  return `  ${formatCount(count).padStart(9)}  ${fate.padEnd(8)}  ${text} (${record}${detail && `: ${detail}`})`;
}
