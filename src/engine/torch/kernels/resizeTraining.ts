/** @file Resizing to any size, with libtorch's own backward. */
import {KERNELS} from '../../ops/kernels.js';
import {nchw} from '../layout.js';
import {operator} from '../native.js';
import {register} from './register.js';

const bilinear = operator('upsample_bilinear2d');
const bilinearBackward = operator('upsample_bilinear2d_backward');
const nearest = operator('upsample_nearest2d');
const nearestBackward = operator('upsample_nearest2d_backward');

interface ResizeAttributes {
  readonly inputShape: readonly [number, number, number, number];
  readonly size: readonly [number, number];
  readonly alignCorners: boolean;
}

/** [B, H, W, C] in libtorch's order. */
function nchwShape([batch, height, width, channels]: ResizeAttributes['inputShape']): number[] {
  return [batch, channels, height, width];
}

register<ResizeAttributes>(KERNELS.resizeBilinear, ({x}, {size, alignCorners}) =>
  nchw(bilinear(x.nchw, size, alignCorners)),
);

register<ResizeAttributes>(KERNELS.resizeBilinearGradient, ({dy}, {inputShape, size, alignCorners}) =>
  nchw(bilinearBackward(dy.nchw, size, nchwShape(inputShape), alignCorners)),
);

register<ResizeAttributes>(KERNELS.resizeNearest, ({x}, {size}) => nchw(nearest(x.storedNchw, size)));

register<ResizeAttributes>(KERNELS.resizeNearestGradient, ({dy}, {inputShape, size}) =>
  nchw(nearestBackward(dy.storedNchw, size, nchwShape(inputShape))),
);
