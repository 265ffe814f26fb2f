/** @file SimpleBaseline (Xiao et al. 2018): a ResNet and deconvolutions, from the authors' files, MMPose's and torchvision's. */
import {type Family, MMPOSE_EXTRAS, RDPOSE_PARTS} from './family.js';

export const SIMPLE_BASELINE: Family = {
  name: 'SimpleBaseline',
  mark: /(^|\.)(deconv_layers\.0\.weight|layer4\.0\.conv1\.weight)$/,
  rules: [
    ...MMPOSE_EXTRAS,
    // torchvision's classifier.
    [/^fc\.(weight|bias)$/, null],
    // MMPose's SimCC head.
    [/^head\.deconv_head\.(deconv_layers\..+)$/, '$1'],
    [/^head\.deconv_head\.(final_layer\..+)$/, 'head.$1'],
    [/^(head\.mlp_head_[xy]\.(?:weight|bias))$/, '$1'],
    [/^(?:(?:keypoint_head|head)\.)?((?:deconv_layers|final_layer)\..+)$/, '$1'],
    [/^(?:backbone\.)?((?:conv1|bn1|layer[1234])\..+)$/, '$1'],
    ...RDPOSE_PARTS,
  ],
};
