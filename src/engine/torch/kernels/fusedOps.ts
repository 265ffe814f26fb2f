/** @file Products with bias and activation in one kernel, as converted models have them. */
import * as tf from '@tensorflow/tfjs';
import type {TorchBackend} from '../backend.js';
import {type Handle, operator} from '../native.js';
import {checkAlive, delegate} from './delegate.js';
import {isFloat} from './register.js';

const add = operator('add.Tensor');
const multiply = operator('mul.Tensor');
const isBelow = operator('lt.Scalar');
const where = operator('where.self');
const leakyRelu = operator('leaky_relu');
const [relu, relu6, elu, sigmoid] = ['relu', 'relu6', 'elu', 'sigmoid'].map(operator);

interface FusedAttributes {
  readonly activation?: string;
  readonly leakyreluAlpha?: number;
  readonly dataFormat?: 'NHWC' | 'NCHW';
}

type Activation = (x: Handle, attributes: FusedAttributes, slopes: Handle | null) => Handle;

const ACTIVATIONS: Record<string, Activation> = {
  relu: (x) => relu(x),
  relu6: (x) => relu6(x),
  elu: (x) => elu(x),
  sigmoid: (x) => sigmoid(x),
  // 0.2 is what TensorFlow.js takes where it does not fuse.
  leakyrelu: (x, {leakyreluAlpha = 0.2}) => leakyRelu(x, leakyreluAlpha),
  prelu: (x, _, slopes) => where(isBelow(x, 0), multiply(x, slopes), x),
};

/** The fused kernel -> the kernel of the product alone, and what that calls its operands. */
const PRODUCTS = {
  FusedConv2D: ['Conv2D', 'x', 'filter'],
  FusedDepthwiseConv2D: ['DepthwiseConv2dNative', 'x', 'filter'],
  _FusedMatMul: ['BatchMatMul', 'a', 'b'],
} as const;

function accepts(inputs: tf.NamedTensorInfoMap, {dataFormat, activation}: FusedAttributes): boolean {
  const given = Object.values(inputs).filter((input) => input != null) as tf.TensorInfo[];
  const isKnown = !activation || activation === 'linear' || activation in ACTIVATIONS;
  return isFloat(given) && dataFormat !== 'NCHW' && isKnown;
}

/** Takes over the product and gives the end result. */
function finish(
  product: tf.TensorInfo,
  {bias, preluActivationWeights}: tf.NamedTensorInfoMap,
  attributes: FusedAttributes,
  torch: TorchBackend,
): tf.TensorInfo {
  const activate = ACTIVATIONS[attributes.activation ?? 'linear'];
  if (!bias && !activate) return product;
  const [result] = torch.run(() => {
    const raised = bias ? add(torch.handle(product), torch.handle(bias)) : torch.handle(product);
    const slopes = preluActivationWeights ? torch.handle(preluActivationWeights) : null;
    return activate ? activate(raised, attributes, slopes) : raised;
  });
  torch.disposeData(product.dataId);
  return result;
}

for (const [kernelName, [product, left, right]] of Object.entries(PRODUCTS)) {
  tf.registerKernel({
    kernelName,
    backendName: 'torch',
    kernelFunc: ({inputs, attrs, backend}) => {
      const torch = backend as TorchBackend;
      checkAlive(kernelName, inputs, torch);
      if (!accepts(inputs, attrs as FusedAttributes)) return delegate(kernelName, inputs, attrs, torch);
      const operands = {[left]: inputs[left], [right]: inputs[right]};
      const {kernelFunc} = tf.getKernel(product, 'torch');
      const multiplied = kernelFunc({inputs: operands, attrs, backend}) as tf.TensorInfo;
      return finish(multiplied, inputs, attrs as FusedAttributes, torch);
    },
  });
}
