/** @file The two containers of `torch.save`: a zip archive (since PyTorch 1.6), and pickles followed by raw storages. */
import {elementBytes} from '../elements.js';
import {FormatError, quoted} from '../formatError.js';
import type {InputFile} from '../inputFile.js';
import {readPickle} from './pickle.js';
import {TruncatedPickle} from './pickleMachine.js';
import type {PickleValue} from './pickleValues.js';
import {TorchHost} from './torchObjects.js';
import {ZipArchive} from './zip.js';

const MAX_PICKLE_BYTES = 64 * 2 ** 20;

/** A file whose pickle has been read; its storages are read when asked for. */
export interface TorchFile {
  readonly root: PickleValue;
  /** The bytes of a storage that the pickle mentions. */
  readStorage(key: string): Promise<ArrayBuffer>;
}

async function checkByteOrder(archive: ZipArchive, folder: string): Promise<void> {
  const name = `${folder}byteorder`;
  if (archive.sizeOf(name) === null) return;
  const order = Buffer.from(await archive.read(name)).toString('latin1');
  if (order !== 'little')
    throw new FormatError('was written by a big-endian machine; save it anew on another one');
}

/** `<name>/data.pkl` and `<name>/data/<key>` in a zip archive. */
async function openZipFile(file: InputFile): Promise<TorchFile> {
  const archive = await ZipArchive.open(file);
  const pickles = archive.names.filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) throw new FormatError('is a zip archive, but not one of torch.save: no data.pkl');
  const folder = pickles[0].slice(0, -'data.pkl'.length);
  if (archive.sizeOf(`${folder}constants.pkl`) !== null) {
    throw new FormatError(
      'is a TorchScript archive; save its weights: torch.save(torch.jit.load(F).state_dict(), ...)',
    );
  }
  await checkByteOrder(archive, folder);
  if (archive.sizeOf(pickles[0])! > MAX_PICKLE_BYTES)
    throw new FormatError('is refused: its pickle is too large');
  const pickle = new Uint8Array(await archive.read(pickles[0]));
  const {value: root} = readPickle(pickle, 0, new TorchHost());
  return {
    root,
    readStorage: (key) => archive.read(`${folder}data/${key}`),
  };
}

/** The pickle of the number 0x1950a86a20f9469cfc6c, with which the older files begin. */
const MAGIC = Buffer.from('8a0a6cfc9c46f9206aa850192e', 'hex');

interface LegacyHead {
  readonly root: PickleValue;
  readonly host: TorchHost;
  /** The storages' keys in the order of their data, which begins at `end`. */
  readonly keys: readonly string[];
  readonly end: number;
}

/** Five pickles: the magic number, the protocol, the writer's system, the object, the storages' keys. */
function parseLegacyHead(bytes: Uint8Array): LegacyHead {
  const host = new TorchHost();
  const magic = readPickle(bytes, 0, host);
  const protocol = readPickle(bytes, magic.end, host);
  if (protocol.value !== 1001) throw new FormatError('is of an unknown protocol');
  const system = readPickle(bytes, protocol.end, host);
  const littleEndian = system.value instanceof Map && system.value.get('little_endian') === true;
  if (!littleEndian)
    throw new FormatError('was written by a big-endian machine; save it anew on another one');
  const root = readPickle(bytes, system.end, host);
  const keys = readPickle(bytes, root.end, host);
  const isKey = (key: PickleValue): key is string => typeof key === 'string' && host.storages.has(key);
  if (!Array.isArray(keys.value) || !keys.value.every(isKey)) {
    throw new FormatError('is damaged: its list of storages does not fit its tensors');
  }
  return {root: root.value, host, keys: keys.value, end: keys.end};
}

/** The pickles say nowhere how long they are: read more of the file until they end. */
async function readLegacyHead(file: InputFile): Promise<LegacyHead> {
  const largest = Math.min(file.size, MAX_PICKLE_BYTES);
  for (let bytes = Math.min(2 ** 20, largest); ; bytes = Math.min(8 * bytes, largest)) {
    try {
      return parseLegacyHead(new Uint8Array(await file.read(0, bytes)));
    } catch (error) {
      if (!(error instanceof TruncatedPickle) || bytes === largest) throw error;
    }
  }
}

/** Each storage is its number of elements (64 bits), then its data, in the order of the keys. */
async function openLegacyFile(file: InputFile): Promise<TorchFile> {
  const {root, host, keys, end} = await readLegacyHead(file);
  const places = new Map<string, {start: number; length: number}>();
  let position = end;
  for (const key of keys) {
    const {dtype, count: expected} = host.storages.get(key)!;
    const count = new DataView(await file.read(position, 8)).getBigInt64(0, true);
    if (count !== BigInt(expected) || places.has(key)) {
      throw new FormatError(`is damaged: the storage ${quoted(key)} has ${count} elements, not ${expected}`);
    }
    const length = expected * elementBytes(dtype);
    places.set(key, {start: position + 8, length});
    position += 8 + length;
  }
  if (position !== file.size) {
    throw new FormatError(`is damaged: it has ${file.size} bytes where its storages end at ${position}`);
  }
  return {
    root,
    readStorage: async (key) => {
      const place = places.get(key);
      if (place === undefined) throw new FormatError(`is damaged: it lacks the storage ${quoted(key)}`);
      return file.read(place.start, place.length);
    },
  };
}

/**
 * Opens a file of `torch.save`, whichever its container.
 * @throws FormatError if it is none, or if its pickle is refused
 */
export async function openTorchFile(file: InputFile): Promise<TorchFile> {
  const start = Buffer.from(await file.read(0, Math.min(16, file.size)));
  if (start.toString('latin1', 0, 4) === 'PK\x03\x04') return openZipFile(file);
  if (start[0] === 0x80 && start.subarray(2).indexOf(MAGIC) === 0) return openLegacyFile(file);
  throw new FormatError(
    'is not a file of torch.save; load it in PyTorch and save it: torch.save(state_dict, ...)',
  );
}
