/** @file A family of published networks: how its files are told apart, and what their arrays are called here. */

/** From a published name to ours; null: known to hold no weights. The first pattern that fits the whole name counts. */
export type NameRule = readonly [published: RegExp, ours: string | null];

export interface Family {
  readonly name: string;
  /** A name that only this family has. */
  readonly mark: RegExp;
  readonly rules: readonly NameRule[];
}

/** What MMPose adds to every model. */
export const MMPOSE_EXTRAS: readonly NameRule[] = [[/^data_preprocessor\.(mean|std)$/, null]];

/** What RDPose's code adds to HRNet and to SimpleBaseline. */
export const RDPOSE_PARTS: readonly NameRule[] = [
  [/^((?:[cs]_attn\.(?:atn|conv)|fuse_attn)\.(?:weight|bias))$/, '$1'],
];
