/** @file `pose-data make-synthetic`: a dataset of drawn people, apart or in crowds. */
import {availableParallelism} from 'node:os';
import {type CrowdOptions, USUAL_CROWD} from '../data/synthetic/crowd.js';
import {makeSynthetic} from '../data/synthetic/index.js';
import {UserError} from '../errors.js';
import {RunConsole} from '../report/console.js';
import {commandLine} from './command.js';
import {textOption} from './configOptions.js';

const makeCommand = () =>
  commandLine('pose-data make-synthetic', 'pose-data make-synthetic --out DIR --images N --seed S')
    .option('out', {type: 'string', demandOption: true, describe: 'folder of the dataset'})
    .option('images', {type: 'number', demandOption: true, describe: 'training images'})
    .option('val-images', {type: 'number', describe: 'validation images; by default 15 % as many'})
    .option('seed', {type: 'number', default: 0, describe: 'the same seed gives the same bytes'})
    .option('workers', {type: 'number', default: availableParallelism(), describe: 'threads'})
    .option('keypoints', {
      ...textOption('the set to annotate: coco17, mpii16, lsp14, crowdpose14, or a file'),
      default: 'coco17',
    })
    .option('crowd', {
      type: 'boolean',
      default: false,
      describe: 'people who hide each other, instead of a few apart',
    })
    .option('people-per-image', {
      ...textOption('of a crowd: a number or a range, uniform'),
      defaultDescription: USUAL_CROWD.people.join('-'),
    })
    .option('overlap', {
      ...textOption('of a crowd: IoU of the boxes of a person and the one they join; a range, uniform'),
      defaultDescription: USUAL_CROWD.overlap.join('-'),
    })
    .demandCommand(1, 1, '', 'it takes options only')
    .example('pose-data make-synthetic --out data/synthetic --images 1500 --seed 1', '')
    .example('pose-data make-synthetic --out data/crowd --images 1500 --crowd --overlap 0.4-0.8', '');

export async function make(): Promise<void> {
  const options = await makeCommand().parseAsync();
  const {out, images, valImages, seed, workers, keypoints} = options;
  const crowd = crowdOf(options);
  const console = new RunConsole();
  const started = performance.now();
  const onProgress = (done: number, total: number) =>
    console.progress(() => `drawing image ${done}/${total}`);
  const made = await makeSynthetic({out, images, valImages, seed, workers, keypoints, crowd, onProgress});
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.line(`${out}: ${made.images} images, ${made.people} people in ${seconds} s`);
}

interface CrowdArguments {
  readonly crowd: boolean;
  readonly peoplePerImage?: string;
  readonly overlap?: string;
}

/** What is said of a crowd makes it one. */
function crowdOf({crowd, peoplePerImage, overlap}: CrowdArguments): CrowdOptions | undefined {
  if (!crowd && peoplePerImage === undefined && overlap === undefined) return undefined;
  return {
    people: rangeOf('people-per-image', peoplePerImage) ?? USUAL_CROWD.people,
    overlap: rangeOf('overlap', overlap) ?? USUAL_CROWD.overlap,
  };
}

/** `0.2-0.7` or `3`, which is `3-3`. */
function rangeOf(option: string, text: string | undefined): [number, number] | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(text);
  if (!match) {
    throw new UserError(
      'usage',
      `--${option} is ${text}: give a number, or two with a hyphen between, as 2-5 or 0.2-0.7.`,
    );
  }
  return [Number(match[1]), Number(match[2] ?? match[1])];
}
