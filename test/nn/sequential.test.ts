/** @file Convolution and normalisation as one step, in evaluation and with frozen statistics. */
import * as tf from '@tensorflow/tfjs';
import {describe, expect, it} from 'vitest';
import {valueAndGradients} from '../../src/engine/gradients.js';
import {type BackendName, selectBackend} from '../../src/engine/index.js';
import {BatchNorm2d, Conv2d, ReLU} from '../../src/nn/layers.js';
import {convBatchNorm, Sequential} from '../../src/nn/sequential.js';
import {drawn} from '../engine/compare.js';
import {adamOf} from '../train/steps.js';

function close(actual: tf.Tensor, expected: tf.Tensor): void {
  const values = expected.dataSync();
  actual.dataSync().forEach((value, i) => {
    expect(value).toBeCloseTo(values[i], 4);
  });
}

function parts(bias: boolean): {conv: Conv2d; norm: BatchNorm2d; net: Sequential} {
  const [conv, norm] = [new Conv2d(3, 4, 3, {padding: 1, bias}), new BatchNorm2d(4)];
  conv.weight.variable.assign(drawn('weight', [3, 3, 3, 4]));
  conv.bias?.variable.assign(drawn('bias', [4]));
  norm.weight.variable.assign(drawn('scale', [4]));
  norm.bias.variable.assign(drawn('offset', [4]));
  norm.running_mean.variable.assign(drawn('mean', [4]));
  norm.running_var.variable.assign(tf.abs(drawn('variance', [4])));
  return {conv, norm, net: new Sequential(conv, norm, new ReLU()).eval()};
}

const image = () => drawn('image', [2, 6, 5, 3]) as tf.Tensor4D;

/** The layers one by one. */
function stepByStep({conv, norm}: {conv: Conv2d; norm: BatchNorm2d}, x: tf.Tensor4D): tf.Tensor4D {
  return tf.relu(norm.forward(conv.forward(x)));
}

describe.each<BackendName>(['torch', 'cpu'])('Sequential on %s', (backend) => {
  it.each([false, true])(
    'does convolution, normalisation and activation in one step in evaluation (bias %s)',
    async (bias) => {
      await selectBackend({backend});
      const all = parts(bias);
      close(all.net.forward(image()), stepByStep(all, image()));
      const residual = drawn('residual', [2, 6, 5, 4]) as tf.Tensor4D;
      const sum = tf.relu(tf.add(all.norm.forward(all.conv.forward(image())), residual));
      close(convBatchNorm(all.conv, all.norm, image(), 'relu', residual), sum);
    },
  );

  it('follows weights that were assigned or trained in place, and statistics that moved', async () => {
    await selectBackend({backend});
    const all = parts(false);
    const {conv, norm, net} = all;
    net.forward(image());
    conv.weight.variable.assign(drawn('other', [3, 3, 3, 4]));
    close(net.forward(image()), stepByStep(all, image()));
    const optimizer = adamOf(net);
    // In evaluation mode, as with frozen statistics: the gradient goes through the steps one by one.
    const loss = () => tf.sum<tf.Scalar>(net.forward(image()));
    const {gradients} = valueAndGradients(loss, net.parameters());
    optimizer.step(gradients, 0.1);
    close(net.forward(image()), stepByStep(all, image()));
    norm.train();
    norm.forward(drawn('features', [2, 3, 3, 4]) as tf.Tensor4D);
    norm.eval();
    close(net.forward(image()), stepByStep(all, image()));
  });
});
