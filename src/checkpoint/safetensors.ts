/** @file State dicts in safetensors files (https://huggingface.co/docs/safetensors): written as a stream, read strictly. */
import {arrayOver, bytesOf, elementBytes, elementCount} from './elements.js';
import {diskOps, type FileDigest, type FileOps, writeDurably} from './files.js';
import {FormatError} from './formatError.js';
import {type InputFile, withInputFile} from './inputFile.js';
import {type Header, MAX_HEADER_BYTES, parseHeader, type TensorEntry} from './safetensorsHeader.js';
import type {HostTensor, StateDict} from './stateDict.js';

const RESERVED_NAMES = new Set(['__metadata__', '__proto__']);

function checkTensor(name: string, {shape, data}: HostTensor): void {
  if (RESERVED_NAMES.has(name)) throw new Error(`"${name}" cannot be the name of a tensor`);
  if (elementCount(shape) !== data.length) {
    throw new Error(`"${name}" has ${data.length} elements, which do not fill the shape [${shape}]`);
  }
}

/** The header in the dict's order, padded to a multiple of eight; the JSON is joined by hand to keep that order. */
function encodeHeader(
  ordered: readonly [string, HostTensor][],
  tensors: StateDict,
  metadata: Metadata,
): Buffer {
  const entries = new Map<string, string>();
  let begin = 0;
  for (const [name, {dtype, shape, data}] of ordered) {
    const data_offsets = [begin, begin + data.byteLength];
    entries.set(name, `${JSON.stringify(name)}:${JSON.stringify({dtype, shape, data_offsets})}`);
    begin = data_offsets[1];
  }
  const strings = [...metadata].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  const members = strings.length > 0 ? [`"__metadata__":{${strings.join(',')}}`] : [];
  for (const name of tensors.keys()) members.push(entries.get(name)!);
  const text = Buffer.from(`{${members.join(',')}}`);
  const header = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  text.copy(header, 8);
  return header;
}

export type Metadata = ReadonlyMap<string, string>;

/** The file in parts: the header, then each tensor's own bytes; wide elements first, so that all are aligned. */
function fileParts(tensors: StateDict, metadata: Metadata): Uint8Array[] {
  for (const [name, tensor] of tensors) checkTensor(name, tensor);
  const ordered = [...tensors].sort(([, a], [, b]) => elementBytes(b.dtype) - elementBytes(a.dtype));
  return [encodeHeader(ordered, tensors, metadata), ...ordered.map(([, tensor]) => bytesOf(tensor))];
}

/** A whole safetensors file in memory; for large dicts, `writeSafetensors` needs no second copy. */
export function encodeSafetensors(tensors: StateDict, metadata: Metadata = new Map()): Uint8Array {
  return Buffer.concat(fileParts(tensors, metadata));
}

/** The bytes that `writeSafetensors` will write. */
export function safetensorsSize(tensors: StateDict, metadata: Metadata = new Map()): number {
  return fileParts(tensors, metadata).reduce((sum, part) => sum + part.length, 0);
}

/**
 * Writes a new file, flushed to the disk, straight from the tensors' memory.
 * @throws UserError('storage'); a part of the file may then remain
 */
export async function writeSafetensors(
  path: string,
  tensors: StateDict,
  metadata: Metadata = new Map(),
  ops: FileOps = diskOps,
): Promise<FileDigest> {
  return writeDurably(path, fileParts(tensors, metadata), ops);
}

async function readHeader(file: InputFile): Promise<{header: Header; dataStart: number}> {
  if (file.size < 8) throw new FormatError(`is not a safetensors file: it has only ${file.size} bytes`);
  const length = new DataView(await file.read(0, 8)).getBigUint64(0, true);
  if (length === 0n || length > BigInt(Math.min(file.size - 8, MAX_HEADER_BYTES))) {
    throw new FormatError(
      `is not a safetensors file, or is damaged: it has ${file.size} bytes and announces a header of ${length}`,
    );
  }
  const dataStart = 8 + Number(length);
  const bytes = new Uint8Array(await file.read(8, Number(length)));
  return {header: parseHeader(bytes, file.size - dataStart), dataStart};
}

async function readTensor(file: InputFile, dataStart: number, entry: TensorEntry): Promise<HostTensor> {
  const {dtype, shape, begin, end} = entry;
  const buffer = await file.read(dataStart + begin, end - begin);
  return {dtype, shape, data: arrayOver(dtype, buffer, 0, elementCount(shape))};
}

/**
 * Reads a whole file; every tensor gets memory of its own.
 * @throws UserError 'usage' if it is missing, 'checkpoint' if it breaks the format in any way
 */
export async function readSafetensors(path: string): Promise<{tensors: StateDict; metadata: Metadata}> {
  return withInputFile(path, async (file) => {
    const {header, dataStart} = await readHeader(file);
    const tensors: StateDict = new Map();
    for (const [name, entry] of header.tensors) {
      tensors.set(name, await readTensor(file, dataStart, entry));
    }
    return {tensors, metadata: header.metadata};
  });
}
