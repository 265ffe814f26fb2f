/** @file Makes batches: decodes, cuts out and encodes given people. The same in threads and without. */
import {setTimeout} from 'node:timers/promises';
import {threadId} from 'node:worker_threads';
import {centreOf} from '../../codecs/centre.js';
import {type Codec, targetArrays} from '../../codecs/codec.js';
import {type CodecSpec, createCodec} from '../../codecs/create.js';
import {pixelsPerCell} from '../../codecs/grid.js';
import type {AugmentConfig} from '../../config/schema.js';
import {UserError} from '../../errors.js';
import {stream} from '../../random.js';
import {readImageBytes} from '../images/imageBytes.js';
import type {KeypointSet} from '../keypoints.js';
import {drawOffTarget, OFF_TARGET_NUMBERS, type OffTargetSettings} from '../offTarget.js';
import {type Affine, invertAffine, regionToRaster} from '../transforms/affine.js';
import {augment, type View} from '../transforms/augment.js';
import {drawBoxJitter, jitterBox} from '../transforms/boxJitter.js';
import {keypointsInInput} from '../transforms/keypoints.js';
import {normalise} from '../transforms/normalise.js';
import {changePixels} from '../transforms/pixels.js';
import {boxToRegion} from '../transforms/region.js';
import {type RgbImage, warp} from '../transforms/warp.js';
import type {BatchWork, Person, SampleInfo} from '../types.js';
import {type BatchSlot, firstOf} from './batchSlots.js';
import {decodeBytes, decodeExcerpt} from './decode.js';

/** What turns a person into a sample. */
export interface SampleSettings {
  /** [height, width] of the network's input. */
  readonly input: readonly [number, number];
  /** What makes the targets, and says how the input is cut out. */
  readonly codec: CodecSpec;
  readonly boxPadding: number;
  /** null: people as they are, for evaluation. */
  readonly augment: AugmentConfig | null;
  /** What comes in its place from an epoch on; by default, and with null, nothing. */
  readonly finalAugment?: {readonly fromEpoch: number; readonly augment: AugmentConfig} | null;
  /** Draws a place in each crop that is not the person's; by default, and with null, none. */
  readonly offTargets?: OffTargetSettings | null;
  readonly seed: number;
}

/** Everything that a thread needs to know; it passes to threads by structured clone. */
export interface SampleSource {
  readonly keypointSet: KeypointSet;
  readonly settings: SampleSettings;
}

/** One sample to be made, and its place in the batch. */
export interface SampleRequest {
  readonly position: number;
  /** Index into the dataset's people. */
  readonly index: number;
  readonly person: Person;
  /** The keypoints of other people on the image, where they are asked for. */
  readonly others: readonly (readonly number[])[];
}

/** Which samples to put into which memory. */
export interface BatchRequest {
  readonly epoch: number;
  readonly slot: BatchSlot;
  /** Samples of the whole batch, of which the request may be a part. */
  readonly count: number;
  readonly samples: readonly SampleRequest[];
}

/** For each sample of the request, what is known of it, or why its image cannot be used. */
export interface MadeBatch {
  readonly samples: readonly (SampleInfo | {readonly failure: string})[];
  readonly work: BatchWork;
}

/** An image with the way to its pixels from those of the sample. */
interface LoadedSample {
  readonly info: SampleInfo;
  readonly toInput: Affine;
  readonly image: RgbImage;
  readonly fromInput: Affine;
}

/** A file that is just being written, or a network drive that hiccups, gets a second chance after so long. */
const RETRY_MILLISECONDS = 100;

/** With one, the pool would wait for this thread, or this thread for the pool, whenever an image is larger than others. */
const IMAGES_AHEAD = 2;

export class BatchMaker {
  readonly #source: SampleSource;
  readonly #codec: Codec;
  readonly #crop: RgbImage;
  #latest: {file: string; image: Promise<RgbImage>} | null = null;
  #work = {reading: 0, decoding: 0, drawing: 0};

  constructor(source: SampleSource) {
    const {input, codec} = source.settings;
    this.#source = source;
    this.#codec = createCodec(codec);
    const [height, width] = input;
    this.#crop = {data: new Uint8Array(3 * height * width), width, height};
  }

  async make(request: BatchRequest): Promise<MadeBatch> {
    const {epoch, slot, samples} = request;
    const started = performance.now();
    this.#work = {reading: 0, decoding: 0, drawing: 0};
    Atomics.store(slot.progress, 1, threadId);
    const made: MadeBatch['samples'][number][] = [];
    // The next images decode in libuv's thread pool while this one is being cut out.
    const upcoming = samples.slice(0, IMAGES_AHEAD).map((sample) => this.#attempt(sample, epoch));
    for (const [i, sample] of samples.entries()) {
      Atomics.store(slot.progress, 0, i);
      const loaded = await upcoming.shift()!;
      if (i + IMAGES_AHEAD < samples.length) upcoming.push(this.#attempt(samples[i + IMAGES_AHEAD], epoch));
      if ('failure' in loaded) made.push(loaded);
      else made.push(this.#draw(loaded, sample, request));
    }
    return {samples: made, work: {...this.#work, total: performance.now() - started}};
  }

  #augmentIn(epoch: number): AugmentConfig | null {
    const {augment, finalAugment} = this.#source.settings;
    return finalAugment && epoch >= finalAugment.fromEpoch ? finalAugment.augment : augment;
  }

  /** Loads a sample's image, on the second attempt if need be. Never rejects but for a bug. */
  async #attempt(request: SampleRequest, epoch: number): Promise<LoadedSample | {failure: string}> {
    try {
      return await this.#load(request, epoch).catch(async (error: unknown) => {
        if (!(error instanceof UserError)) throw error;
        await setTimeout(RETRY_MILLISECONDS);
        return this.#load(request, epoch);
      });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return {failure: error.message};
    }
  }

  async #load({person, index}: SampleRequest, epoch: number): Promise<LoadedSample> {
    const {settings} = this.#source;
    const {region, flipped} = this.#view(person, index, epoch);
    const toInput = regionToRaster(region, settings.input, this.#codec.convention, flipped);
    const toImage = invertAffine(toInput);
    const info = {index, region, flipped};
    if (!settings.augment) {
      return {info, toInput, image: await this.#wholeImage(person), fromInput: toImage};
    }
    const bytes = await this.#timed('reading', readImageBytes(person.imageFile));
    const source = {file: person.imageFile, bytes, size: person.imageSize};
    const excerpt = {toImage, raster: settings.input};
    const decoded = await this.#timed('decoding', decodeExcerpt(source, excerpt));
    return {info, toInput, image: decoded.image, fromInput: decoded.toImage};
  }

  /** Evaluation goes through the people image by image: the latest image is decoded once. */
  #wholeImage({imageFile, imageSize}: Person): Promise<RgbImage> {
    if (this.#latest?.file !== imageFile) {
      const image = this.#decodeWhole(imageFile, imageSize);
      image.catch(() => {
        this.#latest = null;
      });
      this.#latest = {file: imageFile, image};
    }
    return this.#latest.image;
  }

  async #decodeWhole(file: string, size: Person['imageSize']): Promise<RgbImage> {
    const bytes = await this.#timed('reading', readImageBytes(file));
    return this.#timed('decoding', decodeBytes({file, bytes, size}));
  }

  async #timed<T>(part: 'reading' | 'decoding', promise: Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await promise;
    this.#work[part] += performance.now() - started;
    return result;
  }

  /** Writes one person into its place in the batch. */
  #draw(
    {info, image, toInput, fromInput}: LoadedSample,
    request: SampleRequest,
    {epoch, slot, count}: BatchRequest,
  ): SampleInfo {
    const started = performance.now();
    const {
      position,
      person: {keypoints},
    } = request;
    const {keypointSet, settings} = this.#source;
    warp(image, fromInput, settings.input, this.#crop.data);
    const augment = this.#augmentIn(epoch);
    if (augment) {
      const random = (name: string) => stream(settings.seed, name, epoch, info.index);
      changePixels(this.#crop, augment, random);
    }
    normalise(this.#crop.data, slot.images, position * this.#crop.data.length);
    const points = keypointsInInput(keypoints, toInput, info.flipped ? keypointSet.flipPairs : null);
    const {targets, targetWeights, offTargets} = firstOf(count, slot);
    this.#codec.encode(points, targetArrays(this.#codec, targets, count), targetWeights, position);
    if (settings.offTargets) {
      const random = stream(settings.seed, 'offTarget', epoch, info.index);
      const place = drawOffTarget(
        points,
        request.others,
        toInput,
        settings.input,
        settings.offTargets,
        random,
      );
      offTargets.set(this.#inCells(points, place), position * OFF_TARGET_NUMBERS);
    }
    this.#work.drawing += performance.now() - started;
    return info;
  }

  /** What the batch says of a place that is not the person's. */
  #inCells(points: Float64Array, place: readonly [number, number] | null): number[] {
    const {input} = this.#source.settings;
    const [height, width] = this.#codec.targets[0].shape;
    const [scaleY, scaleX] = pixelsPerCell(input, [height, width], this.#codec.convention);
    const [x, y] = centreOf(points) ?? [input[1] / 2, input[0] / 2];
    const [offX, offY] = place ?? [0, 0];
    return [x / scaleX, y / scaleY, offX / scaleX, offY / scaleY, place ? 1 : 0];
  }

  #view({box, keypoints}: Person, index: number, epoch: number): View {
    const {input, boxPadding, seed} = this.#source.settings;
    const config = this.#augmentIn(epoch);
    const aspectRatio = input[1] / input[0];
    const region = boxToRegion(box, aspectRatio, boxPadding);
    if (!config) return {region, flipped: false};
    const random = stream(seed, 'augment', epoch, index);
    const view = augment(region, keypoints, this.#source.keypointSet, config, aspectRatio, random);
    if (config.boxJitter.probability === 0) return view;
    const shift = drawBoxJitter(config.boxJitter, stream(seed, 'boxJitter', epoch, index));
    return {...view, region: jitterBox(view.region, shift)};
  }
}
