/** @file `pose-data stats`: what a dataset's people are like, as tables, as a picture, as JSON. */
import {extname} from 'node:path';
import sharp from 'sharp';
import {writeFileAtomic} from '../checkpoint/files.js';
import {readAnnotations} from '../data/datasets/annotationCache.js';
import {openDataset} from '../data/datasets/index.js';
import {loadKeypointSet} from '../data/keypoints.js';
import {type CountedPerson, describePeople} from '../data/statistics.js';
import {UserError} from '../errors.js';
import {statisticsPicture, statisticsText} from '../report/datasetStatistics.js';
import {commandLine} from './command.js';
import {configOf, textOption, withConfigOptions} from './configOptions.js';

const statsCommand = () =>
  withConfigOptions(
    commandLine(
      'pose-data stats',
      'pose-data stats --cfg FILE | --annotations FILE [options] [key=value ...]',
    ),
  )
    .option('annotations', textOption('instead of --cfg: an annotation file'))
    .option('keypoints', textOption('of --annotations: its keypoint set; by default coco17'))
    .option('type', {...textOption('of --annotations: its format, coco, mpii or wholebody'), default: 'coco'})
    .option('split', {
      choices: ['train', 'val'] as const,
      default: 'train' as const,
      describe: 'of --cfg: which people',
    })
    .option('out', textOption('a picture of charts: an .svg or .png file'))
    .option('json', {type: 'boolean', default: false, describe: 'print one JSON object'})
    .example('pose-data stats --cfg experiments/coco/hrnet_w32.yaml --out stats.svg', '')
    .example('pose-data stats --annotations mine.json --keypoints lsp14', '');

interface Counted {
  readonly name: string;
  readonly people: readonly CountedPerson[];
  readonly imageIds: readonly number[];
  readonly names: readonly string[];
}

type Arguments = Awaited<ReturnType<ReturnType<typeof statsCommand>['parseAsync']>>;

export async function stats(): Promise<void> {
  const parsed = await statsCommand().parseAsync();
  const {out, json} = parsed;
  if (out !== undefined && !['.svg', '.png'].includes(extname(out).toLowerCase())) {
    throw new UserError('usage', `--out is ${out}: give a file that ends in .svg or .png.`);
  }
  const {name, people, imageIds, names} = await peopleOf(parsed);
  const statistics = describePeople(people, imageIds, names);
  if (out !== undefined) await writePicture(out, statisticsPicture(statistics, name));
  process.stdout.write(`${json ? JSON.stringify(statistics) : statisticsText(statistics)}\n`);
}

async function peopleOf(parsed: Arguments): Promise<Counted> {
  const {cfg, annotations, keypoints, type, split} = parsed;
  if ((cfg === undefined) === (annotations === undefined)) {
    throw new UserError('usage', 'pose-data stats: give either --cfg or --annotations.');
  }
  if (annotations !== undefined) return annotatedPeople(annotations, keypoints ?? 'coco17', type);
  if (keypoints !== undefined) {
    throw new UserError(
      'usage',
      '--keypoints goes with --annotations; with --cfg say dataset.keypoints=NAME.',
    );
  }
  const {config} = configOf(cfg!, {...parsed, _: parsed._.slice(1)});
  const keypointSet = loadKeypointSet(config.dataset.keypoints);
  const {people, imageIds} = await openDataset(config.dataset, split, keypointSet, {
    useGroundTruthBoxes: true,
  });
  return {name: `${config.name}, ${split}`, people, imageIds, names: keypointSet.names};
}

/** All people of a file but crowds, whether or not they could be trained on. */
async function annotatedPeople(file: string, keypoints: string, type: string): Promise<Counted> {
  const keypointSet = loadKeypointSet(keypoints);
  const {content} = await readAnnotations(type, file, {keypointSet, category: null});
  const people = content.people.filter(({isCrowd}) => !isCrowd);
  return {name: file, people, imageIds: content.images.map(({id}) => id), names: keypointSet.names};
}

async function writePicture(file: string, svg: string): Promise<void> {
  const isSvg = extname(file).toLowerCase() === '.svg';
  await writeFileAtomic(file, isSvg ? svg : await sharp(Buffer.from(svg)).png().toBuffer());
}
