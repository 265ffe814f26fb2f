/** @file Reads TensorBoard's event files strictly, byte by byte, by a second implementation of their formats. */
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';

export interface ReadEvent {
  readonly wallTime: number;
  readonly step: number;
  readonly fileVersion?: string;
  readonly isStart: boolean;
  readonly scalars: Readonly<Record<string, number>>;
  readonly images: Readonly<Record<string, {width: number; height: number; file: Buffer}>>;
}

export interface ReadFile {
  readonly events: readonly ReadEvent[];
  /** Bytes at the end that are no whole record. */
  readonly torn: number;
}

/** CRC-32C bit by bit, without a table. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1));
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function requireCrc(data: Buffer, at: number, from: number, to: number): void {
  const masked = data.readUInt32LE(at);
  const rotated = (masked - 0xa282ead8) >>> 0;
  const stored = ((rotated >>> 17) | (rotated << 15)) >>> 0;
  if (stored !== crc32c(data.subarray(from, to))) throw new Error(`wrong CRC at byte ${at}`);
}

/** @throws Error at the first record that is whole and wrong */
export function readEventFile(file: string): ReadFile {
  const data = readFileSync(file);
  const events: ReadEvent[] = [];
  let at = 0;
  while (data.length - at >= 12) {
    requireCrc(data, at + 8, at, at + 8);
    const end = at + 12 + Number(data.readBigUInt64LE(at));
    if (end + 4 > data.length) break;
    requireCrc(data, end, at + 12, end);
    events.push(eventOf(data.subarray(at + 12, end)));
    at = end + 4;
  }
  return {events, torn: data.length - at};
}

/** A message's fields in their order; numbers as they are stored. */
function* fieldsOf(message: Buffer): Generator<{field: number; wire: number; number: bigint; bytes: Buffer}> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= message.length) throw new Error('a varint ends beyond its message');
      const byte = message[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = Number(varint());
    const [field, wire] = [key >> 3, key & 7];
    const number = wire === 0 || wire === 2 ? varint() : 0n;
    const length = {0: 0, 1: 8, 2: Number(number), 5: 4}[wire];
    if (length === undefined || at + length > message.length) throw new Error(`field ${field} is malformed`);
    yield {field, wire, number, bytes: message.subarray(at, at + length)};
    at += length;
  }
}

function eventOf(message: Buffer): ReadEvent {
  let [wallTime, step, fileVersion, isStart]: [number, number, string | undefined, boolean] = [
    0,
    0,
    undefined,
    false,
  ];
  const scalars: Record<string, number> = {};
  const images: Record<string, {width: number; height: number; file: Buffer}> = {};
  for (const {field, wire, number, bytes} of fieldsOf(message)) {
    if (field === 1 && wire === 1) wallTime = bytes.readDoubleLE();
    else if (field === 2 && wire === 0) step = Number(number);
    else if (field === 3 && wire === 2) fileVersion = bytes.toString();
    else if (field === 7 && wire === 2) isStart = bytes.equals(Buffer.from([8, 1]));
    else if (field === 5 && wire === 2) {
      for (const value of fieldsOf(bytes)) addValue(value.bytes, scalars, images);
    } else throw new Error(`an event has a field ${field} of wire type ${wire}`);
  }
  return {wallTime, step, fileVersion, isStart, scalars, images};
}

function addValue(
  message: Buffer,
  scalars: Record<string, number>,
  images: Record<string, {width: number; height: number; file: Buffer}>,
): void {
  let tag = '';
  for (const {field, wire, bytes} of fieldsOf(message)) {
    if (field === 1 && wire === 2) tag = bytes.toString();
    else if (field === 2 && wire === 5) scalars[tag] = bytes.readFloatLE();
    else if (field === 4 && wire === 2) {
      const parts = new Map([...fieldsOf(bytes)].map((part) => [part.field, part]));
      const side = (part: number) => Number(parts.get(part)?.number);
      images[tag] = {height: side(1), width: side(2), file: parts.get(4)!.bytes};
    } else throw new Error(`a value has a field ${field} of wire type ${wire}`);
  }
}

/**
 * What TensorBoard shows of a folder: the files in the order of their names; a START removes what was there of its step and
 * later ones (`_CheckForRestartAndMaybePurge` of its event_accumulator).
 * @returns by tag, [step, value] in the order of the files
 */
export function shownScalars(folder: string): Record<string, [step: number, value: number][]> {
  const shown: Record<string, [number, number][]> = {};
  for (const name of readdirSync(folder).sort()) {
    const {events} = readEventFile(join(folder, name));
    for (const {isStart, step, scalars} of events) {
      if (isStart) for (const tag of Object.keys(shown)) shown[tag] = shown[tag].filter(([at]) => at < step);
      for (const [tag, value] of Object.entries(scalars)) shown[tag] = [...(shown[tag] ?? []), [step, value]];
    }
  }
  return shown;
}
