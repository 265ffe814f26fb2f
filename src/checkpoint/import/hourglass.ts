/** @file Stacked hourglass (Newell et al. 2016) in the names of the group's PyTorch code, which wraps the network twice. */
import type {Family} from './family.js';

export const HOURGLASS: Family = {
  name: 'stacked hourglass',
  mark: /(^|\.)hgs\.0\./,
  rules: [[/^(?:model\.)?(?:module\.)?((?:pre|hgs|features|outs|merge_features|merge_preds)\..+)$/, '$1']],
};
