/** @file Layers that tell what they did with an input, for summaries of a network. */
import type * as tf from '@tensorflow/tfjs';
import {Layer} from './module.js';

/** Told the shapes of every output and of the input that it was made of. */
export type OutputObserver = (output: readonly number[], input: readonly number[]) => void;

export abstract class CountedLayer<X extends tf.Tensor = tf.Tensor4D> extends Layer<X> {
  onOutput: OutputObserver | null = null;

  /** Multiply-accumulates from an input to an output of these shapes, without bias. */
  abstract macs(output: readonly number[], input: readonly number[]): number;
}
