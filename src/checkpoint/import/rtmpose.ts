/** @file CSPNeXt and the heads on it (Jiang et al. 2023): MMPose's names are ours. */
import {type Family, MMPOSE_EXTRAS} from './family.js';

export const RTMPOSE: Family = {
  name: 'RTMPose',
  mark: /(^|\.)stage4\.2\.main_conv\.conv\.weight$/,
  rules: [
    ...MMPOSE_EXTRAS,
    // The classifier of weights from ImageNet.
    [/^head\.fc\.(weight|bias)$/, null],
    [/^(?:backbone\.)?((?:stem|stage[1234])\..+)$/, 'backbone.$1'],
    [/^(head\.(?:final_layer|mlp|gau|cls_x|cls_y)\..+)$/, '$1'],
    [/^(head\.(?:deconv_layers|mlp_head_x|mlp_head_y)\..+)$/, '$1'],
  ],
};
