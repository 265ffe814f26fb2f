/** @file Makes batches: decodes, cuts out and encodes the people of given indices. The same in threads and without. */
import {type Codec, targetArrays, targetLength} from '../../codecs/codec.js';
import {type CodecSpec, createCodec} from '../../codecs/create.js';
import type {AugmentConfig} from '../../config/schema.js';
import {stream} from '../../random.js';
import type {KeypointSet} from '../keypoints.js';
import {invertAffine, regionToRaster} from '../transforms/affine.js';
import {augment, type View} from '../transforms/augment.js';
import {keypointsInInput} from '../transforms/keypoints.js';
import {boxToRegion} from '../transforms/region.js';
import {type RgbImage, warpNormalised} from '../transforms/warp.js';
import type {Batch, Person, SampleInfo} from '../types.js';
import {decodeImage} from './decode.js';

/** What turns a person into a sample. */
export interface SampleSettings {
  /** [height, width] of the network's input. */
  readonly input: readonly [number, number];
  /** What makes the targets, and says how the input is cut out. */
  readonly codec: CodecSpec;
  readonly boxPadding: number;
  /** null: people as they are, for evaluation. */
  readonly augment: AugmentConfig | null;
  readonly seed: number;
}

/** Everything that a thread needs to know; it passes to threads by structured clone. */
export interface BatchSource {
  readonly people: readonly Person[];
  readonly keypointSet: KeypointSet;
  readonly settings: SampleSettings;
}

/** Which samples to put together. */
export interface BatchRequest {
  readonly epoch: number;
  /** Indices into the people. */
  readonly indices: Uint32Array;
}

export class BatchMaker {
  readonly #source: BatchSource;
  readonly #codec: Codec;
  #latest: {file: string; image: Promise<RgbImage>} | null = null;

  constructor(source: BatchSource) {
    this.#source = source;
    this.#codec = createCodec(source.settings.codec);
  }

  /** @throws UserError if an image cannot be used */
  async make({epoch, indices}: BatchRequest): Promise<Batch> {
    const batch = this.#emptyBatch(indices.length);
    const samples: SampleInfo[] = [];
    let upcoming = this.#image(indices[0]);
    for (let slot = 0; slot < indices.length; slot++) {
      const image = await upcoming;
      // The next image decodes in libuv's thread pool while this one is being cut out.
      if (slot + 1 < indices.length) upcoming = this.#image(indices[slot + 1]);
      samples.push(this.#fill(batch, slot, image, indices[slot], epoch));
    }
    return {...batch, samples};
  }

  #emptyBatch(count: number): Omit<Batch, 'samples'> {
    const {input} = this.#source.settings;
    const keypoints = this.#source.keypointSet.names.length;
    return {
      images: new Float32Array(count * input[0] * input[1] * 3),
      targets: new Float32Array(count * targetLength(this.#codec)),
      targetWeights: new Float32Array(count * keypoints),
    };
  }

  /** People of one image often follow each other in evaluation: the latest image is decoded once. */
  #image(index: number): Promise<RgbImage> {
    const {imageFile, imageSize} = this.#source.people[index];
    if (this.#latest?.file !== imageFile) {
      const image = decodeImage(imageFile, imageSize);
      // Handled where it is awaited; if an earlier sample fails first, nobody does.
      image.catch(() => {});
      this.#latest = {file: imageFile, image};
    }
    return this.#latest.image;
  }

  /** Writes one person into its place in the batch. */
  #fill(
    batch: Omit<Batch, 'samples'>,
    slot: number,
    image: RgbImage,
    index: number,
    epoch: number,
  ): SampleInfo {
    const {people, keypointSet, settings} = this.#source;
    const {keypoints} = people[index];
    const {region, flipped} = this.#view(people[index], index, epoch);
    const toInput = regionToRaster(region, settings.input, this.#codec.convention, flipped);
    const pixels = 3 * settings.input[0] * settings.input[1];
    warpNormalised(image, invertAffine(toInput), settings.input, batch.images, slot * pixels);
    const points = keypointsInInput(keypoints, toInput, flipped ? keypointSet.flipPairs : null);
    const targets = targetArrays(
      this.#codec,
      batch.targets,
      batch.targetWeights.length / (points.length / 3),
    );
    this.#codec.encode(points, targets, batch.targetWeights, slot);
    return {index, region, flipped};
  }

  #view({box, keypoints}: Person, index: number, epoch: number): View {
    const {input, boxPadding, augment: config, seed} = this.#source.settings;
    const aspectRatio = input[1] / input[0];
    const region = boxToRegion(box, aspectRatio, boxPadding);
    if (!config) return {region, flipped: false};
    const random = stream(seed, 'augment', epoch, index);
    return augment(region, keypoints, this.#source.keypointSet, config, aspectRatio, random);
  }
}
