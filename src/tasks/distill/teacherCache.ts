/**
 * @file What a teacher gives for each person, kept in a file: where the images stay as they are, a later epoch, or another
 * student, reads it instead of asking the teacher again.
 */
import {closeSync, constants, mkdirSync, openSync, readSync, writeSync} from 'node:fs';
import {dirname} from 'node:path';
import {crc32} from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import {elementCount} from '../../checkpoint/elements.js';
import {storageError} from '../../checkpoint/files.js';
import type {SampleInfo} from '../../data/types.js';
import type {Tapped} from './method.js';

const CHECKSUM_BYTES = 4;

/** Of a sample: without the batch's size. */
export type Shape = readonly number[];

/** Of each sample, the number of its record. */
export function recordNumbers(samples: readonly Pick<SampleInfo, 'index' | 'flipped'>[]): Int32Array {
  return Int32Array.from(samples, ({index, flipped}) => 2 * index + Number(flipped));
}

/**
 * A record for each person, and one for each mirrored: a checksum, then the features and the outputs as 32-bit floats. A
 * record that is not there, or was cut off, is one that was not written yet.
 */
export class TeacherCache {
  readonly #floats: number;
  readonly #file: number;
  #isWritable = true;

  /**
   * @param path of the file; it is made if there is none
   * @param shapes of the features, and of each of the outputs
   * @throws UserError('storage') if the file cannot be opened
   */
  constructor(
    private readonly path: string,
    private readonly shapes: readonly Shape[],
  ) {
    this.#floats = shapes.reduce((sum, shape) => sum + elementCount(shape), 0);
    try {
      mkdirSync(dirname(path), {recursive: true});
      this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT);
    } catch (error) {
      throw storageError(error, path);
    }
  }

  /**
   * What the teacher gives for a batch: as it is kept if all of it is, else from `compute`.
   * @param numbers of the samples' records
   * @returns tensors of the caller's
   */
  taught(numbers: Int32Array, compute: () => Tapped): Tapped {
    const known = this.#read(numbers);
    if (known) return this.#tensors(known);
    const taught = compute();
    if (this.#isWritable) this.#write(numbers, taught);
    return taught;
  }

  close(): void {
    closeSync(this.#file);
  }

  #read(numbers: Int32Array): Float32Array[] | null {
    const records: Float32Array[] = [];
    for (const number of numbers) {
      const record = this.#readRecord(number);
      if (!record) return null;
      records.push(record);
    }
    return records;
  }

  #readRecord(number: number): Float32Array | null {
    const record = Buffer.alloc(this.#recordBytes);
    if (readSync(this.#file, record, 0, record.length, number * this.#recordBytes) < record.length)
      return null;
    const values = record.subarray(CHECKSUM_BYTES);
    if (record.readUInt32LE(0) !== crc32(values)) return null;
    return new Float32Array(values.buffer, values.byteOffset, this.#floats);
  }

  #write(numbers: Int32Array, taught: Tapped): void {
    const parts = tensorsOf(taught).map((tensor) => tensor.dataSync<'float32'>());
    try {
      for (const [i, number] of numbers.entries()) this.#writeRecord(number, parts, i);
    } catch (error) {
      this.#isWritable = false;
      const reason = storageError(error, this.path);
      process.emitWarning(
        `distill.cache: what the teacher gives is kept no further. ${(reason as Error).message}`,
      );
    }
  }

  #writeRecord(number: number, parts: readonly Float32Array[], i: number): void {
    const record = Buffer.alloc(this.#recordBytes);
    const values = record.subarray(CHECKSUM_BYTES);
    let at = 0;
    for (const [part, shape] of this.shapes.entries()) {
      const size = elementCount(shape);
      const own = parts[part].subarray(i * size, (i + 1) * size);
      values.set(new Uint8Array(own.buffer, own.byteOffset, own.byteLength), at);
      at += own.byteLength;
    }
    record.writeUInt32LE(crc32(values), 0);
    for (let done = 0; done < record.length; ) {
      done += writeSync(this.#file, record, done, record.length - done, number * this.#recordBytes + done);
    }
  }

  #tensors(records: readonly Float32Array[]): Tapped {
    let at = 0;
    const [features, ...outputs] = this.shapes.map((shape) => {
      const size = elementCount(shape);
      const values = new Float32Array(records.length * size);
      for (const [i, record] of records.entries()) values.set(record.subarray(at, at + size), i * size);
      at += size;
      return tf.tensor(values, [records.length, ...shape]);
    });
    return {features: features as tf.Tensor4D, outputs};
  }

  get #recordBytes(): number {
    return CHECKSUM_BYTES + Float32Array.BYTES_PER_ELEMENT * this.#floats;
  }
}

/** The shapes of what a teacher gave for a batch. */
export function sampleShapes(taught: Tapped): Shape[] {
  return tensorsOf(taught).map(({shape: [, ...shape]}) => shape);
}

function tensorsOf({features, outputs}: Tapped): tf.Tensor[] {
  return [features, ...outputs];
}
