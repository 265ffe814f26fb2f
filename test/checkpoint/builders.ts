/** @file What the tests of this folder are made of: temporary folders, tensors, failing disks, hand-made pickles and zips. */
import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {crc32} from 'node:zlib';
import {onTestFinished} from 'vitest';
import {diskOps, type FileOps, type WritableFile} from '../../src/checkpoint/files.js';
import type {HostTensor, StateDict} from '../../src/checkpoint/stateDict.js';
import {UserError} from '../../src/errors.js';

/** An empty folder that is removed after the running test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'posecraft-'));
  onTestFinished(() => rmSync(folder, {recursive: true, force: true}));
  return folder;
}

/** A file with these bytes in a folder of its own. */
export function temporaryFile(name: string, data: Uint8Array | string): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, data);
  return path;
}

export function floats(...values: number[]): HostTensor {
  return {dtype: 'F32', shape: [values.length], data: Float32Array.from(values)};
}

/** A small state dict whose values tell which step it is of. */
export function dictOfStep(step: number): StateDict {
  return new Map([
    [
      'conv1.weight',
      {dtype: 'F32', shape: [2, 3], data: Float32Array.from({length: 6}, (_, i) => step + i / 8)},
    ],
    ['bn1.num_batches_tracked', {dtype: 'I64', shape: [], data: BigInt64Array.of(BigInt(step))}],
  ]);
}

/** What a promise rejects with, or null if it does not. */
export function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => null,
    (error: unknown) => error,
  );
}

/** The UserError with which a promise rejects; fails the test for any other outcome. */
export async function userErrorOf(promise: Promise<unknown>): Promise<UserError> {
  const error = await rejectionOf(promise);
  if (error instanceof UserError) return error;
  throw error ?? new Error('no error was thrown');
}

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), {code});
}

/** The id of a process that has ended. */
export function deadPid(): number {
  return spawnSync('true').pid;
}

/** The real disk, where `before` sees every call (by its number from 0, and its name) and may throw. */
export function watchedOps(before: (call: number, name: string) => void): FileOps {
  let calls = 0;
  const watch =
    <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
    async (...args: A) => {
      before(calls++, name);
      return call(...args);
    };
  const watchFile = (file: WritableFile): WritableFile => ({
    write: watch('write', file.write),
    sync: watch('sync', file.sync),
    close: async () => {
      // The descriptor is closed in any case, as a process that dies would do.
      await file.close();
      before(calls++, 'close');
    },
  });
  return {
    create: watch('create', async (path: string) => watchFile(await diskOps.create(path))),
    makeFolder: watch('makeFolder', diskOps.makeFolder),
    syncFolder: watch('syncFolder', diskOps.syncFolder),
    rename: watch('rename', diskOps.rename),
    remove: watch('remove', diskOps.remove),
    size: watch('size', diskOps.size),
    freeBytes: watch('freeBytes', diskOps.freeBytes),
  };
}

/** Pieces of pickles, by opcode. */
export const pickle = {
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
  int: (value: number) => {
    const bytes = Buffer.from('J....');
    bytes.writeInt32LE(value, 1);
    return bytes;
  },
  text: (value: string) => {
    const bytes = Buffer.from(value);
    const head = Buffer.from('X....');
    head.writeUInt32LE(bytes.length, 1);
    return Buffer.concat([head, bytes]);
  },
  tuple: (...items: Buffer[]) => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]),
  list: (...items: Buffer[]) => Buffer.concat([Buffer.from(']('), ...items, Buffer.from('e')]),
  dict: (entries: readonly (readonly [string, Buffer])[]) =>
    Buffer.concat([
      Buffer.from('}('),
      ...entries.flatMap(([key, value]) => [pickle.text(key), value]),
      Buffer.from('u'),
    ]),
  call: (callee: Buffer, ...args: Buffer[]) =>
    Buffer.concat([callee, pickle.tuple(...args), Buffer.from('R')]),
  program: (...parts: Buffer[]) => Buffer.concat([Buffer.from([0x80, 2]), ...parts, Buffer.from('.')]),
};

export interface TensorSpec {
  readonly key?: string;
  readonly type?: string;
  readonly count: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** The pickle of one tensor. */
export function tensorPickle({
  key = '0',
  type = 'FloatStorage',
  count,
  offset = 0,
  shape,
  strides,
}: TensorSpec): Buffer {
  const {global, text, int, tuple, call} = pickle;
  const id = tuple(text('storage'), global('torch', type), text(key), text('cpu'), int(count));
  return call(
    global('torch._utils', '_rebuild_tensor_v2'),
    Buffer.concat([id, Buffer.from('Q')]),
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    Buffer.from([0x89]),
    call(global('collections', 'OrderedDict')),
  );
}

export interface ZipEntrySpec {
  readonly name: string;
  readonly data: Uint8Array;
  /** What the headers claim, where it is not the truth. */
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
  readonly headerStart?: number;
  readonly size?: number;
  /** Bytes of the content, of an entry that is packed. */
  readonly unpacked?: number;
}

/** Little-endian numbers of 16, 32 or 64 bits, as [bits, value] pairs. */
function packed(...fields: [16 | 32 | 64, number][]): Buffer {
  return Buffer.concat(
    fields.map(([bits, value]) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(value));
      return bytes.subarray(0, bits / 8);
    }),
  );
}

const SATURATED = 0xffffffff;

/** A zip archive of stored entries; with `zip64`, all sizes and places stand in the 64-bit records alone. */
export function zip(entries: readonly ZipEntrySpec[], zip64 = false): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const entry of entries) {
    const {
      data,
      method = 0,
      flags = 0,
      crc = crc32(data),
      headerStart = position,
      size = data.length,
      unpacked = size,
    } = entry;
    const name = Buffer.from(entry.name);
    const head = (shown: number, shownUnpacked: number) =>
      packed(
        [16, 20],
        [16, flags],
        [16, method],
        [32, 0],
        [32, crc],
        [32, shown],
        [32, shownUnpacked],
        [16, name.length],
      );
    const wide = zip64
      ? packed([16, 1], [16, 24], [64, unpacked], [64, size], [64, headerStart])
      : Buffer.alloc(0);
    parts.push(Buffer.from('PK\x03\x04'), head(size, unpacked), packed([16, 0]), name, Buffer.from(data));
    const place = packed([16, wide.length], [64, 0], [16, 0], [32, zip64 ? SATURATED : headerStart]);
    directory.push(
      Buffer.from('PK\x01\x02\x14\x00'),
      zip64 ? head(SATURATED, SATURATED) : head(size, unpacked),
      place,
      name,
      wide,
    );
    position += 30 + name.length + data.length;
  }
  const central = Buffer.concat(directory);
  const count = entries.length;
  const end64 = Buffer.concat([
    ...[Buffer.from('PK\x06\x06'), packed([64, 44], [32, 0], [64, 0])],
    packed([64, count], [64, count], [64, central.length], [64, position]),
    ...[Buffer.from('PK\x06\x07'), packed([32, 0], [64, position + central.length], [32, 1])],
  ]);
  const [bytes, start] = zip64 ? [SATURATED, SATURATED] : [central.length, position];
  const end = packed([32, 0], [16, count], [16, count], [32, bytes], [32, start], [16, 0]);
  return Buffer.concat([...parts, central, ...(zip64 ? [end64] : []), Buffer.from('PK\x05\x06'), end]);
}

/** The bytes under float32 values. */
export function float32Bytes(values: Iterable<number>): Buffer {
  return Buffer.from(Float32Array.from(values).buffer);
}

/** The entries of a `.pth`: the pickle, and storages by key. */
export function pthEntries(
  program: Buffer,
  storages: Readonly<Record<string, Uint8Array>> = {},
): ZipEntrySpec[] {
  return [
    {name: 'weights/data.pkl', data: program},
    ...Object.entries(storages).map(([key, data]) => ({name: `weights/data/${key}`, data})),
    {name: 'weights/version', data: Buffer.from('3\n')},
  ];
}
