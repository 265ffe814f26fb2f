/** @file What a top-down network asks of its backbone. */
import {Layer} from '../nn/module.js';

/** Maps images [B, H, W, 3] to features [B, H / stride, W / stride, channels]. */
export abstract class Backbone extends Layer {
  abstract readonly channels: number;
  abstract readonly stride: number;
  /** Height and width of the images must be multiples of it. */
  abstract readonly sizeMultiple: number;

  /** Its members in groups from the image on, for learning rates that fall with the depth; by default it is one. */
  get stages(): readonly (readonly string[])[] {
    return [];
  }
}
