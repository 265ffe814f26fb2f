/** @file Codecs by the names that a configuration gives them. */
import type {ModelConfig} from '../config/modelSchema.js';
import type {Codec} from './codec.js';
import {HeatmapCodec, type HeatmapSpec} from './heatmap.js';
import {SimccCodec, type SimccSpec} from './simcc.js';

/** What a codec is made from; plain data, so that worker threads can make their own. */
export type CodecSpec = HeatmapSpec | SimccSpec;

/** @throws UserError if the sizes do not fit together */
export function createCodec(spec: CodecSpec): Codec {
  return spec.type === 'simcc' ? new SimccCodec(spec) : new HeatmapCodec(spec);
}

/**
 * The codec that a model's head is trained with.
 * @param stride input pixels a cell of the model's output
 */
export function codecSpec(
  {input, head}: Pick<ModelConfig, 'input' | 'head'>,
  stride: number,
  keypoints: number,
): CodecSpec {
  if (head.type === 'heatmap' || head.type === 'rdpose') {
    const spec = {type: head.codec, input, stride, sigma: head.sigma, keypoints};
    return head.type === 'rdpose' ? {...spec, centre: true} : spec;
  }
  const {splitRatio, labelBeta} = head;
  const sigma = head.sigma ?? publishedSigma(input);
  return {type: 'simcc', input, splitRatio, sigma, normalize: labelBeta === null, keypoints};
}

/** RTMPose's and RTMW's in bins [x, y]: 4.9 and 5.66 for 192 and 256 pixels, 6 and 6.93 for 288 and 384. */
function publishedSigma([height, width]: ModelConfig['input']): [number, number] {
  return [Math.sqrt(width / 8), Math.sqrt(height / 8)];
}
