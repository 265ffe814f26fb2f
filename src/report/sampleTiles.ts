/** @file A training sample as the network gets it, and what it is to give. */
import {type Codec, targetArrays} from '../codecs/codec.js';
import type {KeypointSet} from '../data/keypoints.js';
import {regionToRaster} from '../data/transforms/affine.js';
import {keypointsInInput} from '../data/transforms/keypoints.js';
import {denormalised} from '../data/transforms/normalise.js';
import type {RgbImage} from '../data/transforms/warp.js';
import type {Batch, Person, SampleInfo} from '../data/types.js';
import {closeUp} from './closeUp.js';
import type {Tile} from './contactSheet.js';
import {drawPeople} from './drawings.js';
import {heatmapOverlay} from './heatmapOverlay.js';

/** The longer side of a drawing in pixels: more than a tile's, so that it stays sharp. */
const DRAWN = 480;

/**
 * The input of sample `i` of a batch with its keypoints, and its targets over it, where they are heatmaps.
 * @param input [height, width]
 */
export async function inputAndTargets(
  person: Person,
  batch: Batch,
  i: number,
  set: KeypointSet,
  codec: Codec,
  input: readonly [number, number],
): Promise<Tile[]> {
  const part = (all: Float32Array) => {
    const each = all.length / batch.samples.length;
    return all.subarray(i * each, (i + 1) * each);
  };
  const [height, width] = input;
  const crop: RgbImage = {data: denormalised(part(batch.images)), width, height};
  const {region, flipped} = batch.samples[i];
  const toInput = regionToRaster(region, [height, width], codec.convention, flipped);
  const keypoints = keypointsInInput(person.keypoints, toInput, flipped ? set.flipPairs : null);
  const {image, place} = await closeUp(crop, [0, 0, width, height], 0, DRAWN);
  const drawn = {
    image: await drawPeople(image, [{keypoints: place(keypoints)}], set),
    caption: viewOf(batch.samples[i]),
  };
  const {shape} = codec.targets[0];
  if (shape.length !== 3) return [drawn];
  const [rows, columns, keypointCount] = shape;
  const [targets] = targetArrays(codec, batch.targets, batch.samples.length);
  const weights = part(batch.targetWeights).filter((weight) => weight > 0).length;
  const overlay = await heatmapOverlay(crop, part(targets), [rows, columns, keypointCount]);
  return [drawn, {image: overlay, caption: `targets of ${weights}`}];
}

/** `input, mirrored, 23°` */
function viewOf({region, flipped}: SampleInfo): string {
  const turned = Math.round(region.rotation) === 0 ? '' : `, ${Math.round(region.rotation)}°`;
  return `input${flipped ? ', mirrored' : ''}${turned}`;
}
