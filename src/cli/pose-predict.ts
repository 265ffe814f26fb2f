/** @file `pose-predict`: keypoints of the people in images, as JSON and as drawings. */
import {existsSync} from 'node:fs';
import type {Box} from '../data/types.js';
import {UserError} from '../errors.js';
import {commandLine, runCommand} from './command.js';
import {configOf, textOption, withConfigOptions} from './configOptions.js';

const predictOptions = () =>
  withConfigOptions(
    commandLine('pose-predict', 'pose-predict --cfg FILE [options] IMAGE|FOLDER ... [key=value ...]'),
  )
    .demandOption('cfg')
    .option('checkpoint', textOption("weights or a checkpoint folder; by default the run's best"))
    .option(
      'boxes',
      textOption("whom to look for: COCO annotations, or detections in COCO's result format (by image id)"),
    )
    .option(
      'box',
      textOption('whom to look for on every image: x,y,width,height; several with spaces between'),
    )
    .option('out', textOption('the folder of predictions.json and the drawings; by default one in the run'))
    .option('json', {
      type: 'boolean',
      default: false,
      describe: 'print one JSON object on stdout and nothing else; writes files only with --out',
    })
    .example('pose-predict --cfg experiments/coco/hrnet_w32.yaml photo.jpg', 'one person who fills the image')
    .example('pose-predict --cfg … --box 120,40,200,420 photo.jpg', 'the person in this box')
    .example(
      'pose-predict --cfg … --boxes detections.json val2017/',
      'a folder, with the boxes of a detector',
    )
    .example('pose-predict --cfg … --checkpoint F.pth --out poses frames/', "the frames of a video's folder");

/** `key=value`, and the upper-case `KEY value` of HRNet. A file of such a name is an image. */
const OVERRIDE = /^[A-Za-z_]\w*(\.\w+)*=/;
const PUBLISHED_KEY = /^[A-Z][A-Z0-9_]*(\.[A-Z][A-Z0-9_]*)*$/;

/** Tells images from overrides. */
function sortArguments(positional: readonly string[]): {images: string[]; overrides: string[]} {
  const images: string[] = [];
  const overrides: string[] = [];
  for (let i = 0; i < positional.length; i++) {
    const argument = positional[i];
    if (existsSync(argument)) images.push(argument);
    else if (OVERRIDE.test(argument)) overrides.push(argument);
    else if (PUBLISHED_KEY.test(argument)) overrides.push(argument, ...positional.slice(++i, i + 1));
    else images.push(argument);
  }
  return {images, overrides};
}

/** @throws UserError 'usage' */
function parseBoxes(text: string): Box[] {
  return text
    .trim()
    .split(/[\s;]+/)
    .map((part): Box => {
      const [x, y, width, height, ...more] = part.split(',').map((number) => Number(number || Number.NaN));
      const isBox = [x, y, width, height].every(Number.isFinite) && width > 0 && height > 0;
      if (isBox && more.length === 0) return [x, y, width, height];
      throw new UserError(
        'usage',
        `pose-predict: --box: "${part}" is no box. Give x,y,width,height in pixels, as in 120,40,200,420.`,
      );
    });
}

await runCommand(async () => {
  const parsed = await predictOptions().parseAsync();
  const {images, overrides} = sortArguments(parsed._.map(String));
  if (images.length === 0)
    throw new UserError('usage', 'pose-predict: give an image, or a folder of images.');
  if (parsed.box !== undefined && parsed.boxes !== undefined)
    throw new UserError('usage', 'pose-predict: --box and --boxes exclude each other.');
  const {config, legacy} = configOf(parsed.cfg, {...parsed, _: overrides});
  const {boxes: boxFile, out, json} = parsed;
  const checkpoint = parsed.checkpoint ?? legacy?.checkpoint ?? undefined;
  const boxes = parsed.box === undefined ? undefined : parseBoxes(parsed.box);
  // The engine takes a second to load, which usage errors need not wait for.
  const {predictCommand: predict} = await import('./predictImages.js');
  return predict(config, images, {checkpoint, boxFile, boxes, out, json});
});
