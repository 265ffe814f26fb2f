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
   * What the teacher gives for a batch: of the samples that are kept, what is kept; the teacher is asked about the others.
   * @param numbers of the samples' records
   * @param ask what the teacher gives for the samples at these places of the batch
   * @returns tensors of the caller's
   */
  taught(numbers: Int32Array, ask: (places: Int32Array) => Tapped): Tapped {
    const records = Array.from(numbers, (number) => this.#read(number));
    const unknown = Int32Array.from(records.keys()).filter((place) => !records[place]);
    const rows = unknown.length > 0 ? rowsOf(ask(unknown)) : [];
    for (const [i, row] of rows.entries()) {
      records[unknown[i]] = row;
      this.#write(numbers[unknown[i]], row);
    }
    return this.#tensors(records as Float32Array[]);
  }

  close(): void {
    closeSync(this.#file);
  }

  #read(number: number): Float32Array | null {
    const record = Buffer.alloc(this.#recordBytes);
    if (readSync(this.#file, record, 0, record.length, number * this.#recordBytes) < record.length)
      return null;
    const values = record.subarray(CHECKSUM_BYTES);
    if (record.readUInt32LE(0) !== crc32(values)) return null;
    return new Float32Array(values.buffer, values.byteOffset, this.#floats);
  }

  #write(number: number, values: Float32Array): void {
    if (!this.#isWritable) return;
    const record = Buffer.alloc(this.#recordBytes);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    record.set(bytes, CHECKSUM_BYTES);
    record.writeUInt32LE(crc32(bytes), 0);
    try {
      for (let done = 0; done < record.length; ) {
        done += writeSync(this.#file, record, done, record.length - done, number * this.#recordBytes + done);
      }
    } catch (error) {
      this.#isWritable = false;
      const {message} = storageError(error, this.path) as Error;
      process.emitWarning(`distill.cache: what the teacher gives is kept no further. ${message}`);
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

/** Of each sample, its features and its outputs behind each other. */
function rowsOf(taught: Tapped): Float32Array[] {
  const batch = taught.features.shape[0];
  const rows = tf.tidy(() =>
    tf.concat(
      tensorsOf(taught).map((tensor) => tf.reshape(tensor, [batch, -1])),
      1,
    ),
  );
  const values = rows.dataSync<'float32'>();
  rows.dispose();
  const size = values.length / batch;
  return Array.from({length: batch}, (_, i) => values.subarray(i * size, (i + 1) * size));
}

/** The shapes of what a teacher gave for a batch. */
export function sampleShapes(taught: Tapped): Shape[] {
  return tensorsOf(taught).map(({shape: [, ...shape]}) => shape);
}

function tensorsOf({features, outputs}: Tapped): tf.Tensor[] {
  return [features, ...outputs];
}
