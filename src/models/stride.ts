/** @file Input pixels to one cell of a backbone's features: what data are drawn at without a model. */
import type {ModelConfig} from '../config/modelSchema.js';

/** Of features before deconvolutions, each of which halves it. */
const DEEPEST = 32;

export function strideOf(backbone: ModelConfig['backbone']): number {
  switch (backbone.type) {
    case 'hrnet':
    case 'hourglass':
      return 4;
    case 'resnet':
    case 'cspnext':
      return DEEPEST / 2 ** backbone.deconvolution.length;
  }
}
