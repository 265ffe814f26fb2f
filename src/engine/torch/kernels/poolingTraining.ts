/** @file Pooling with libtorch's own backward, which needs the input's shape and no more of it. */
import {KERNELS} from '../../ops/kernels.js';
import type {AveragePoolingOptions, PoolingOptions} from '../../ops/pooling.js';
import {NCHW, nchw} from '../layout.js';
import {type Handle, operator, operatorMany, SCALAR_TYPES} from '../native.js';
import {cast, isNumeric, type Operand, register} from './register.js';

const maxPool = operatorMany('max_pool2d_with_indices');
const maxPoolBackward = operator('max_pool2d_with_indices_backward');
const averagePool = operator('avg_pool2d');
const averagePoolBackward = operator('avg_pool2d_backward');
const adaptive = operator('adaptive_avg_pool2d');
const adaptiveBackward = operator('_adaptive_avg_pool2d_backward');
const newEmpty = operator('new_empty');
const permute = operator('permute');
const to = operator('to.dtype');

interface FromShape {
  readonly inputShape: readonly number[];
}

/** Stands for an input of which only the shape and the layout are asked: its values are never written or read. */
function shaped(dy: Operand, {inputShape}: FromShape): Handle {
  return permute(newEmpty(dy.handle, inputShape), NCHW.toTorch);
}

type Window = [kernel: number[], stride: number[], padding: number[]];

function window({kernel, stride, padding}: PoolingOptions): Window {
  return [
    [kernel, kernel],
    [stride, stride],
    [padding, padding],
  ];
}

const NO_DILATION = [1, 1];

// libtorch counts positions in int64; as int32 TensorFlow.js can hold them, in half the memory.
register<PoolingOptions>(KERNELS.maxPool, ({x}, options) => {
  const [y, positions] = maxPool(x.nchw, ...window(options), NO_DILATION, false);
  return [nchw(y), nchw(cast(positions, 'int32'))];
});

register<PoolingOptions & FromShape>(
  KERNELS.maxPoolGradient,
  ({dy, positions}, options) => {
    const wide = to(positions.nchw, SCALAR_TYPES.int64);
    return nchw(maxPoolBackward(dy.nchw, shaped(dy, options), ...window(options), NO_DILATION, false, wide));
  },
  isNumeric,
);

register<Required<AveragePoolingOptions>>(KERNELS.averagePool, ({x}, options) =>
  nchw(averagePool(x.nchw, ...window(options), false, options.countPadding)),
);

register<Required<AveragePoolingOptions> & FromShape>(KERNELS.averagePoolGradient, ({dy}, options) =>
  nchw(
    averagePoolBackward(dy.nchw, shaped(dy, options), ...window(options), false, options.countPadding, null),
  ),
);

register<{size: readonly [number, number]}>(KERNELS.adaptiveAveragePool, ({x}, {size}) =>
  nchw(adaptive(x.nchw, size)),
);

register<FromShape>(KERNELS.adaptiveAveragePoolGradient, ({dy}, attributes) =>
  nchw(adaptiveBackward(dy.nchw, shaped(dy, attributes))),
);
