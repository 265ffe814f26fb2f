/** @file What a configuration may say of RTMPose and SimCC: the CSPNeXt backbone, the heads that classify coordinates. */
import {z} from 'zod';
import {positive} from './values.js';

const sigma = z.number().positive();

export const cspnext = z.strictObject({
  type: z.literal('cspnext'),
  widenFactor: z
    .number()
    .min(1 / 32)
    .default(1)
    .describe('of all widths; RTMPose: t 0.375, s 0.5, m 0.75, l 1'),
  deepenFactor: z
    .number()
    .positive()
    .default(1)
    .describe('of the numbers of blocks; RTMPose: t 0.167, s 0.33, m 0.67, l 1'),
  deconvolution: z
    .array(positive)
    .max(4)
    .default([])
    .describe('widths of deconvolutions, each of which doubles the resolution: for heatmaps'),
});

const labelBeta = (standard: number | null) =>
  z
    .number()
    .positive()
    .nullable()
    .default(standard)
    .describe('the same for the labels; null: Gaussians that sum to 1 are the distribution itself');
const splitRatio = z.number().positive().default(2).describe('bins a pixel');

export const simccHead = z.strictObject({
  type: z.literal('simcc'),
  splitRatio,
  sigma: z.tuple([sigma, sigma]).default([6, 6]).describe('[x, y]: of the labels’ Gaussians, in bins'),
  beta: z.number().positive().default(1).describe('factor of the outputs before their softmax'),
  labelBeta: labelBeta(null),
});

const gau = z
  .strictObject({
    queryChannels: positive.default(128).describe('width of queries and keys'),
    expansion: z.number().min(1).default(2).describe('width of gate and values over that of a token'),
  })
  .prefault({});

export const rtmccHead = z.strictObject({
  type: z.literal('rtmcc'),
  splitRatio,
  sigma: z
    .tuple([sigma, sigma])
    .nullable()
    .default(null)
    .describe('[x, y]: of the labels’ Gaussians, in bins; null: √(pixels / 8), as published'),
  finalConvKernel: positive.refine((size) => size % 2 === 1, 'expected an odd number').default(7),
  hiddenChannels: positive.default(256).describe('width of a keypoint’s token'),
  gau: gau.describe('attention between the keypoints'),
  beta: z.number().positive().default(10).describe('factor of the outputs before their softmax'),
  labelBeta: labelBeta(10),
});
