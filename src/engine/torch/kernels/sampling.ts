/** @file Kernels that move cells about: sampling on a grid, and pixel shuffle, whose gradient is its inverse. */
import type {GridSampleOptions} from '../../ops/gridSample.js';
import {KERNELS} from '../../ops/kernels.js';
import {nchw, type TorchOrder} from '../layout.js';
import {type Handle, operator, operatorMany} from '../native.js';
import {register} from './register.js';

const gridSample = operator('grid_sampler_2d');
const gridSampleBackward = operatorMany('grid_sampler_2d_backward');
const contiguous = operator('contiguous');

const BILINEAR = 0; // at::native::GridSamplerInterpolation
const PADDING = {zeros: 0, border: 1} as const; // at::native::GridSamplerPadding
const CHANNELS_LAST = 2; // c10::MemoryFormat

type Attributes = Required<GridSampleOptions>;

/** Some operators give NCHW in that order in memory too; the convolutions after them want channels_last. */
function channelsLast(handle: Handle): TorchOrder {
  return nchw(contiguous(handle, CHANNELS_LAST));
}

register<Attributes>(KERNELS.gridSample, ({x, grid}, {padding, alignCorners}) =>
  channelsLast(gridSample(x.nchw, grid.handle, BILINEAR, PADDING[padding], alignCorners)),
);

register<Attributes>(KERNELS.gridSampleGradient, ({dy, x, grid}, {padding, alignCorners}) => {
  const mode = [BILINEAR, PADDING[padding], alignCorners] as const;
  const [dx, dGrid] = gridSampleBackward(dy.nchw, x.nchw, grid.handle, ...mode, [true, true]);
  return [channelsLast(dx), dGrid];
});

for (const [kernel, name] of [
  [KERNELS.pixelShuffle, 'pixel_shuffle'],
  [KERNELS.pixelUnshuffle, 'pixel_unshuffle'],
] as const) {
  const shuffle = operator(name);
  register<{factor: number}>(kernel, ({x}, {factor}) => channelsLast(shuffle(x.nchw, factor)));
}
