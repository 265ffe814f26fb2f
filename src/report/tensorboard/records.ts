/**
 * @file TensorBoard's records: protocol buffers `Event` (tensorflow/core/util/event.proto, framework/summary.proto), framed
 * as a TFRecord: length, its masked CRC, the message, its masked CRC.
 */
import {maskedCrc32c} from './crc32c.js';

/** What TensorBoard shows of a step. */
export type SummaryValue =
  | {readonly tag: string; readonly scalar: number}
  | {readonly tag: string; readonly image: SummaryImage};

/** An image file's content; JPEG or PNG. */
export interface SummaryImage {
  readonly file: Buffer;
  readonly width: number;
  readonly height: number;
}

/** Wire types of protocol buffers. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const RGB = 3;
const SESSION_START = 1;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  // Not by shifts: steps may exceed 32 bits.
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const key = (field: number, wireType: number): Buffer => varint(field * 8 + wireType);

const integer = (field: number, value: number): Buffer => Buffer.concat([key(field, VARINT), varint(value)]);

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(field, FIXED64), bytes]);
}

function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, FIXED32), bytes]);
}

function bytesField(field: number, content: Buffer): Buffer {
  return Buffer.concat([key(field, BYTES), varint(content.length), content]);
}

const text = (field: number, value: string): Buffer => bytesField(field, Buffer.from(value));

/** A frame around a message. */
function record(message: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(message.length));
  const crc = (bytes: Buffer) => {
    const stored = Buffer.alloc(4);
    stored.writeUInt32LE(maskedCrc32c(bytes));
    return stored;
  };
  return Buffer.concat([length, crc(length), message, crc(message)]);
}

/** @param wallTime seconds since 1970 */
function event(wallTime: number, step: number, content: Buffer): Buffer {
  return record(Buffer.concat([double(1, wallTime), integer(2, step), content]));
}

/** The first record of every file. */
export function versionRecord(wallTime: number): Buffer {
  return event(wallTime, 0, text(3, 'brain.Event:2'));
}

/** The run goes on before `step`: TensorBoard forgets what earlier files say of this step and later ones. */
export function restartRecord(wallTime: number, step: number): Buffer {
  return event(wallTime, step, bytesField(7, integer(1, SESSION_START)));
}

export function summaryRecord(wallTime: number, step: number, values: readonly SummaryValue[]): Buffer {
  return event(
    wallTime,
    step,
    bytesField(5, Buffer.concat(values.map((value) => bytesField(1, encoded(value))))),
  );
}

function encoded(value: SummaryValue): Buffer {
  if ('scalar' in value) return Buffer.concat([text(1, value.tag), float(2, value.scalar)]);
  const {file, width, height} = value.image;
  const image = Buffer.concat([integer(1, height), integer(2, width), integer(3, RGB), bytesField(4, file)]);
  return Buffer.concat([text(1, value.tag), bytesField(4, image)]);
}
