/** @file Codecs and samples for tests. */
import * as fc from 'fast-check';
import type {Codec} from '../../src/codecs/codec.js';
import {targetArrays, targetLength} from '../../src/codecs/codec.js';
import {type CodecSpec, createCodec} from '../../src/codecs/create.js';

export const INPUT = [128, 96] as const;

/** A codec of each type for one input; SimCC's sigma as RTMPose derives it. */
export const SPECS: Record<CodecSpec['type'], (keypoints: number) => CodecSpec> = {
  msra: (keypoints) => ({type: 'msra', input: INPUT, stride: 4, sigma: 2, keypoints}),
  dark: (keypoints) => ({type: 'dark', input: INPUT, stride: 4, sigma: 2, keypoints}),
  udp: (keypoints) => ({type: 'udp', input: INPUT, stride: 4, sigma: 2, keypoints}),
  simcc: (keypoints) => ({
    ...{type: 'simcc', input: INPUT, splitRatio: 2, sigma: [3.46, 4], normalize: false, keypoints},
  }),
};

export const TYPES = Object.keys(SPECS) as CodecSpec['type'][];

export type Point = [x: number, y: number, weight: number];

export function makeCodec(type: CodecSpec['type'], keypoints: number): Codec {
  return createCodec(SPECS[type](keypoints));
}

/** A batch's targets and weights, from arrays full of another number. */
export function encodeBatch(codec: Codec, samples: readonly (readonly Point[])[]) {
  const values = new Float32Array(samples.length * targetLength(codec)).fill(9);
  const targets = targetArrays(codec, values, samples.length);
  const weights = new Float32Array(samples.length * samples[0].length).fill(9);
  samples.forEach((points, slot) => {
    codec.encode(Float64Array.from(points.flat()), targets, weights, slot);
  });
  return {values, targets, weights};
}

/** Coordinates between two numbers, the ends included. */
export function between(min: number, max: number): fc.Arbitrary<number> {
  return fc.double({min, max, noNaN: true});
}
