/** @file Which variables were changed in place: their data stay the same object, so that nothing else tells. */
import type * as tf from '@tensorflow/tfjs';

const changes = new WeakMap<tf.DataId, number>();

/** To be called by every operator that writes into a variable's own memory. */
export function noteInPlaceChange({dataId}: tf.Tensor): void {
  changes.set(dataId, changesOf({dataId}) + 1);
}

/** How often these data were changed in place. */
export function changesOf({dataId}: Pick<tf.Tensor, 'dataId'>): number {
  return changes.get(dataId) ?? 0;
}
