/** @file How a training operator finds a backend's fused kernel; without one it runs its portable composition. */
import * as tf from '@tensorflow/tfjs';

/** Names of the fused kernels that a backend may register beside TensorFlow.js's own. */
export const KERNELS = {
  convolution: 'PosecraftConvolution',
  convolutionNormalized: 'PosecraftConvolutionNormalized',
  prepareConvolution: 'PosecraftPrepareConvolution',
  preparedConvolution: 'PosecraftPreparedConvolution',
  convolutionInputGradient: 'PosecraftConvolutionInputGradient',
  convolutionWeightGradient: 'PosecraftConvolutionWeightGradient',
  batchNorm: 'PosecraftBatchNorm',
  batchNormGradient: 'PosecraftBatchNormGradient',
  batchNormRelu: 'PosecraftBatchNormRelu',
  batchNormSilu: 'PosecraftBatchNormSilu',
  relu: 'PosecraftRelu',
  reluGradient: 'PosecraftReluGradient',
  sumRelu: 'PosecraftSumRelu',
  accumulate: 'PosecraftAccumulate',
  adam: 'PosecraftAdam',
  activation: 'PosecraftActivation',
  activationGradient: 'PosecraftActivationGradient',
  layerNorm: 'PosecraftLayerNorm',
  layerNormGradient: 'PosecraftLayerNormGradient',
  softmax: 'PosecraftSoftmax',
  softmaxGradient: 'PosecraftSoftmaxGradient',
  logSoftmax: 'PosecraftLogSoftmax',
  logSoftmaxGradient: 'PosecraftLogSoftmaxGradient',
  maxPool: 'PosecraftMaxPool',
  maxPoolGradient: 'PosecraftMaxPoolGradient',
  averagePool: 'PosecraftAveragePool',
  averagePoolGradient: 'PosecraftAveragePoolGradient',
  adaptiveAveragePool: 'PosecraftAdaptiveAveragePool',
  adaptiveAveragePoolGradient: 'PosecraftAdaptiveAveragePoolGradient',
  resizeBilinear: 'PosecraftResizeBilinear',
  resizeBilinearGradient: 'PosecraftResizeBilinearGradient',
  resizeNearest: 'PosecraftResizeNearest',
  resizeNearestGradient: 'PosecraftResizeNearestGradient',
  gridSample: 'PosecraftGridSample',
  gridSampleGradient: 'PosecraftGridSampleGradient',
  pixelShuffle: 'PosecraftPixelShuffle',
  pixelUnshuffle: 'PosecraftPixelUnshuffle',
  transposedConvolution: 'PosecraftTransposedConvolution',
  transposedConvolutionInputGradient: 'PosecraftTransposedConvolutionInputGradient',
  transposedConvolutionWeightGradient: 'PosecraftTransposedConvolutionWeightGradient',
  sgd: 'PosecraftSgd',
  decayWeights: 'PosecraftDecayWeights',
  norms: 'PosecraftNorms',
  copies: 'PosecraftCopies',
  movingAverage: 'PosecraftMovingAverage',
  giveMemoryBack: 'PosecraftGiveMemoryBack',
} as const;

type KernelName = (typeof KERNELS)[keyof typeof KERNELS];

/** Whether the backend in use has this fused kernel. */
export function hasKernel(name: KernelName): boolean {
  return tf.getKernel(name, tf.getBackend()) != null;
}

/** Runs a fused kernel with one output; recorded for the gradient like any kernel of TensorFlow.js. */
export function runKernel<T extends tf.Tensor>(name: KernelName, inputs: object, attributes: object = {}): T {
  return tf.engine().runKernel(name, inputs as tf.NamedTensorMap, attributes as tf.NamedAttrMap) as T;
}

/** The same for a kernel with several outputs. */
export function runKernelMany(name: KernelName, inputs: object, attributes: object = {}): tf.Tensor[] {
  return tf
    .engine()
    .runKernel(name, inputs as tf.NamedTensorMap, attributes as tf.NamedAttrMap) as tf.Tensor[];
}
