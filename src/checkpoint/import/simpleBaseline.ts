/** @file SimpleBaseline (Xiao et al. 2018): a ResNet and deconvolutions, from the authors' files, MMPose's and torchvision's. */
import {type Family, MMPOSE_EXTRAS, RDPOSE_PARTS} from './family.js';

export const SIMPLE_BASELINE: Family = {
  name: 'SimpleBaseline',
  mark: /(^|\.)(deconv_layers\.0\.weight|layer4\.0\.conv1\.weight)$/,
  rules: [
    ...MMPOSE_EXTRAS,
    // torchvision's classifier.
    [/^fc\.(weight|bias)$/, null],
    [/^(?:(?:keypoint_head|head)\.)?((?:deconv_layers|final_layer)\..+)$/, '$1'],
    [/^(?:backbone\.)?((?:conv1|bn1|layer[1234])\..+)$/, '$1'],
    ...RDPOSE_PARTS,
  ],
};
