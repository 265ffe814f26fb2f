/** @file The memory of batches: filled by threads where it lies, and used again when a batch has been consumed. */

/** Elements of one sample in each array. */
export interface SampleShape {
  readonly images: number;
  readonly targets: number;
  readonly targetWeights: number;
  /** 0: not asked for. */
  readonly offTargets: number;
}

/** Shared memory for one batch. */
export interface BatchSlot {
  /** Samples for which there is room. */
  readonly capacity: number;
  readonly images: Float32Array;
  readonly targets: Float32Array;
  readonly targetWeights: Float32Array;
  readonly offTargets: Float32Array;
  /** Where the thread that fills the slot is: the request's sample that it waits for (−1: none yet), and its id. */
  readonly progress: Int32Array;
}

/** As many slots as are ever in use at once. */
export class BatchSlots {
  readonly #free: BatchSlot[] = [];

  constructor(
    private readonly shape: SampleShape,
    private readonly capacity: number,
  ) {}

  take(): BatchSlot {
    return this.#free.pop() ?? this.#allocate();
  }

  giveBack(slot: BatchSlot): void {
    this.#free.push(slot);
  }

  #allocate(): BatchSlot {
    const {shape, capacity} = this;
    const {images, targets, targetWeights, offTargets} = shape;
    const floats = (perSample: number) => new Float32Array(new SharedArrayBuffer(4 * capacity * perSample));
    return {
      capacity,
      images: floats(images),
      targets: floats(targets),
      targetWeights: floats(targetWeights),
      offTargets: floats(offTargets),
      progress: new Int32Array(new SharedArrayBuffer(8)),
    };
  }
}

/** The arrays of the first samples of a slot. */
export function firstOf(
  count: number,
  {capacity, images, targets, targetWeights, offTargets}: BatchSlot,
): Pick<BatchSlot, 'images' | 'targets' | 'targetWeights' | 'offTargets'> {
  const part = (array: Float32Array) => array.subarray(0, (array.length / capacity) * count);
  return {
    images: part(images),
    targets: part(targets),
    targetWeights: part(targetWeights),
    offTargets: part(offTargets),
  };
}
