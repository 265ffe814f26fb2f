import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {FormatError} from '../../src/checkpoint/formatError.js';
import {readPickle} from '../../src/checkpoint/pth/pickle.js';
import {TorchHost} from '../../src/checkpoint/pth/torchObjects.js';
import {readPth} from '../../src/checkpoint/pth.js';
import {UserError} from '../../src/errors.js';
import {type RandomStream, stream} from '../../src/random.js';
import {
  float32Bytes,
  pickle,
  pthEntries,
  rejectionOf,
  type TensorSpec,
  temporaryFile,
  temporaryFolder,
  tensorPickle,
  userErrorOf,
  type ZipEntrySpec,
  zip,
} from './builders.js';

const {global, text, int, tuple, list, dict, call, program} = pickle;
const REFERENCE = join(process.env.POSECRAFT_REFERENCE ?? '../shared', 'fixtures');

/** Reads a `.pth` made of this pickle and these storages. */
function read(root: Buffer, storages: Readonly<Record<string, Uint8Array>> = {}) {
  return readPth(temporaryFile('weights.pth', zip(pthEntries(program(root), storages))));
}

const SIX = {'0': float32Bytes([0, 1, 2, 3, 4, 5])};
const dense: TensorSpec = {count: 6, shape: [2, 3], strides: [3, 1]};
const entry = (spec: Partial<TensorSpec>): [string, Buffer] => ['w', tensorPickle({...dense, ...spec})];

/** The values of the tensor `w` seen through these strides over 0 … 5. */
async function valuesOf(spec: Partial<TensorSpec>): Promise<number[]> {
  const weights = await read(dict([entry(spec)]), SIX);
  return Array.from(weights.get('w')!.data, Number);
}

describe('what a .pth file may hold', () => {
  it('reads a state dict, an ordered one, and parameters', async () => {
    const ordered = Buffer.concat([
      call(global('collections', 'OrderedDict')),
      Buffer.from('('),
      text('w'),
      call(
        global('torch._utils', '_rebuild_parameter'),
        tensorPickle(dense),
        Buffer.from([0x88]),
        Buffer.from('N'),
      ),
      Buffer.from('u}'),
      text('_metadata'),
      dict([]),
      Buffer.from('sb'),
    ]);
    for (const root of [dict([['w', tensorPickle(dense)]]), ordered]) {
      const weights = await read(root, SIX);
      expect(weights).toEqual(
        new Map([['w', {dtype: 'F32', shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5)}]]),
      );
    }
  });

  it('reads an OrderedDict as Python 2 wrote it, from a list of pairs with byte strings', async () => {
    const name = Buffer.from('U\x01w', 'latin1');
    const root = call(global('collections', 'OrderedDict'), list(list(name, tensorPickle(dense))));
    expect([...(await read(root, SIX)).keys()]).toEqual(['w']);
  });

  it.each(['state_dict', 'model', 'best_state_dict'])(
    'finds the weights under "%s", past notes',
    async (key) => {
      const scalar = call(
        global('numpy.core.multiarray', 'scalar'),
        call(global('numpy', 'dtype'), text('f8')),
        call(global('_codecs', 'encode'), text('xxxxxxxx'), text('latin1')),
      );
      const root = dict([
        ['epoch', int(3)],
        ['perf', scalar],
        [key, dict([entry({})])],
        ['optimizer', dict([['state', dict([])]])],
      ]);
      expect([...(await read(root, SIX)).keys()]).toEqual(['w']);
    },
  );

  it('passes over a model that is only a name, as HRNet writes it', async () => {
    const root = dict([
      ['model', text('pose_hrnet')],
      ['state_dict', dict([entry({})])],
      ['best_state_dict', dict([['other', tensorPickle(dense)]])],
    ]);
    expect([...(await read(root, SIX)).keys()]).toEqual(['w']);
  });

  it('removes the prefix that DataParallel adds, only where all names have it', async () => {
    const names = async (...given: string[]) => [
      ...(await read(dict(given.map((name) => [name, tensorPickle(dense)])), SIX)).keys(),
    ];
    expect(await names('module.a', 'module.b')).toEqual(['a', 'b']);
    expect(await names('module.a', 'b')).toEqual(['module.a', 'b']);
  });

  it('makes views dense: transposed, sliced, stepped, repeated, scalar, empty', async () => {
    expect(await valuesOf({shape: [3, 2], strides: [1, 3]})).toEqual([0, 3, 1, 4, 2, 5]);
    expect(await valuesOf({offset: 2, shape: [3], strides: [1]})).toEqual([2, 3, 4]);
    expect(await valuesOf({offset: 1, shape: [3], strides: [2]})).toEqual([1, 3, 5]);
    expect(await valuesOf({offset: 4, shape: [2, 2], strides: [0, 1]})).toEqual([4, 5, 4, 5]);
    expect(await valuesOf({offset: 5, shape: [], strides: []})).toEqual([5]);
    expect(await valuesOf({offset: 5, shape: [1, 1], strides: [600, 600]})).toEqual([5]);
    expect(await valuesOf({shape: [0, 3], strides: [3, 1]})).toEqual([]);
    expect(await valuesOf({shape: [2, 1, 3], strides: [3, 700, 1]})).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('keeps 64-bit counters as they are', async () => {
    const counter = {count: 1, shape: [], strides: [], type: 'LongStorage'};
    const bytes = Buffer.from(BigInt64Array.of(2n ** 60n + 1n).buffer);
    const weights = await read(dict([['num_batches_tracked', tensorPickle(counter)]]), {'0': bytes});
    expect(weights.get('num_batches_tracked')).toEqual({
      dtype: 'I64',
      shape: [],
      data: BigInt64Array.of(2n ** 60n + 1n),
    });
  });

  it('lets tensors that share a storage share their memory', async () => {
    const weights = await read(
      dict([entry({}), ['tied', tensorPickle({...dense, shape: [6], strides: [1]})]]),
      SIX,
    );
    expect(weights.get('tied')!.data.buffer).toBe(weights.get('w')!.data.buffer);
  });

  it('reads archives with 64-bit records', async () => {
    const archive = zip(pthEntries(program(dict([entry({})])), SIX), true);
    const weights = await readPth(temporaryFile('w.pth', archive));
    expect(weights.get('w')!.data).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5));
    for (let at = 0; at < archive.length; at += 1) {
      const damaged = Buffer.from(archive);
      damaged[at] ^= 0x80;
      const outcome = await rejectionOf(readPth(temporaryFile('w.pth', damaged)));
      if (outcome !== null) expect(outcome).toMatchObject({name: 'UserError', kind: 'checkpoint'});
    }
  });

  it('reads the protocols 3 to 5 as well', async () => {
    const short = (value: string) =>
      Buffer.from(`\x8c${String.fromCharCode(value.length)}${value}`, 'latin1');
    const framed = Buffer.concat([
      Buffer.from([0x80, 5, 0x95, 9, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.concat([short('collections'), Buffer.from([0x94]), short('OrderedDict'), Buffer.from([0x93])]),
      Buffer.from([0x94, 0x29, 0x52, 0x28]),
      short('w'),
      tensorPickle(dense),
      Buffer.from('u.'),
    ]);
    const weights = await readPth(temporaryFile('a.pth', zip(pthEntries(framed, SIX))));
    expect([...weights.keys()]).toEqual(['w']);
  });
});

/** A file of PyTorch before 1.6: five pickles, then each storage's length and data. */
function legacyFile(root: Buffer, keys: readonly string[], data: Buffer): Buffer {
  const magic = Buffer.concat([Buffer.from([0x80, 2]), Buffer.from('8a0a6cfc9c46f9206aa850192e', 'hex')]);
  const system = program(
    text('x'),
    Buffer.from('0}'),
    text('little_endian'),
    Buffer.from([0x88]),
    Buffer.from('s'),
  );
  return Buffer.concat([
    magic,
    program(int(1001)),
    system,
    program(root),
    program(list(...keys.map(text))),
    data,
  ]);
}

describe('files of PyTorch before 1.6', () => {
  const length = Buffer.from([6, 0, 0, 0, 0, 0, 0, 0]);
  const data = Buffer.concat([length, SIX['0']]);

  it('are read', async () => {
    const path = temporaryFile('old.pth', legacyFile(dict([entry({})]), ['0'], data));
    expect((await readPth(path)).get('w')!.data).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5));
  });

  it.each([
    ['a storage is cut off', legacyFile(dict([entry({})]), ['0'], data.subarray(0, -1))],
    ['bytes follow', legacyFile(dict([entry({})]), ['0'], Buffer.concat([data, Buffer.alloc(1)]))],
    ['a storage is missing', legacyFile(dict([entry({})]), [], Buffer.alloc(0))],
    ['a storage is of unknown use', legacyFile(dict([entry({})]), ['0', '1'], data)],
    ['a storage has another length', legacyFile(dict([entry({count: 7})]), ['0'], data)],
    ['the storages repeat', legacyFile(dict([entry({})]), ['0', '0'], Buffer.concat([data, data]))],
    ['the pickle is cut off', legacyFile(dict([entry({})]), ['0'], data).subarray(0, 200)],
    ['it is evil', legacyFile(call(global('os', 'system'), text('true')), [], Buffer.alloc(0))],
  ])('are refused where %s', async (_, bytes) => {
    expect((await userErrorOf(readPth(temporaryFile('old.pth', bytes)))).kind).toBe('checkpoint');
  });
});

describe('pickles that would do something', () => {
  const canary = join(tmpdir(), `posecraft-canary-${process.pid}`);
  const shell = `touch ${canary}`;
  const reduceOnly = Buffer.from('R');

  it.each<[string, Buffer, string]>([
    ['os.system', call(global('os', 'system'), text(shell)), '"os.system"'],
    ['posix.system', call(global('posix', 'system'), text(shell)), '"posix.system"'],
    ['eval', call(global('builtins', 'eval'), text('1')), '"builtins.eval"'],
    ['Python 2 eval', call(global('__builtin__', 'eval'), text('1')), '"__builtin__.eval"'],
    ['getattr', call(global('builtins', 'getattr'), text('a'), text('b')), '"builtins.getattr"'],
    ['subprocess', call(global('subprocess', 'Popen'), text(shell)), '"subprocess.Popen"'],
    ['torch.load', call(global('torch', 'load'), text('x')), '"torch.load"'],
    ['a whole module', call(global('torch.nn.modules.linear', 'Linear')), '"torch.nn.modules.linear.Linear"'],
    ['names from the prototype', call(global('constructor', 'x')), '"constructor.x"'],
    ['a name that is cut off', global('os', `${'x'.repeat(1000)}`), '…"'],
    ['a complex tensor', tensorPickle({...dense, type: 'ComplexFloatStorage'}), 'ComplexFloatStorage'],
    ['STACK_GLOBAL', Buffer.concat([text('os'), text('system'), Buffer.from([0x93])]), '"os.system"'],
    ['STACK_GLOBAL of numbers', Buffer.concat([int(1), int(2), Buffer.from([0x93])]), 'no string'],
    ['INST', Buffer.from(`(X\x00\x00\x00\x00ios\nsystem\n`), '0x69'],
    [
      'OBJ',
      Buffer.concat([Buffer.from('('), global('collections', 'OrderedDict'), Buffer.from('o')]),
      '0x6f',
    ],
    ['an extension code', Buffer.from([0x82, 1]), '0x82'],
    ['a text persistent id', Buffer.from('Pabc\n'), '0x50'],
    ['a protocol 0 integer', Buffer.from('I1\n'), '0x49'],
    ['an unknown opcode', Buffer.from([0xff]), '0xff'],
    ['a call of a string', Buffer.concat([text('f'), tuple(), reduceOnly]), 'no allowed function'],
    ['a call of a storage type', call(global('torch', 'FloatStorage')), 'type of storage'],
    [
      'a call with no tuple',
      Buffer.concat([global('collections', 'OrderedDict'), list(), reduceOnly]),
      'no allowed',
    ],
    ['BUILD on a tensor', Buffer.concat([tensorPickle(dense), dict([]), Buffer.from('b')]), 'inner state'],
    [
      'BUILD on a global',
      Buffer.concat([global('torch', 'Size'), dict([]), Buffer.from('b')]),
      'inner state',
    ],
  ])('are refused, and not run: %s', async (_, root, reason) => {
    const error = await userErrorOf(read(dict([['w', root]]), SIX));
    expect(error.kind).toBe('checkpoint');
    expect(error.message).toMatch(/weights\.pth: /);
    expect(error.message).toContain(reason);
    expect(existsSync(canary)).toBe(false);
  });

  it.each<[string, Buffer]>([
    ['a stack that runs dry', Buffer.from('0')],
    ['a mark that is missing', Buffer.from('t')],
    ['a memo that is empty', Buffer.from('h\x05')],
    ['an append to a dict', Buffer.from('}Na')],
    ['a key for a list', Buffer.from(']NNs')],
    ['a key without a value', Buffer.from('}(Nu')],
    ['an integer of 200 bytes', Buffer.concat([Buffer.from([0x8a, 200]), Buffer.alloc(200, 1)])],
    ['a string longer than the file', Buffer.from('X\xff\xff\xff\x7f', 'latin1')],
    ['a string of 2^63 bytes', Buffer.concat([Buffer.from([0x8d]), Buffer.alloc(8, 0x7f)])],
    ['a string that is not UTF-8', Buffer.from('X\x01\x00\x00\x00\xff', 'latin1')],
    [
      'a persistent id that is no storage',
      Buffer.concat([tuple(text('file'), text('/etc/passwd')), Buffer.from('Q')]),
    ],
    ['a root that is no dict', int(1)],
    ['a root that contains itself', Buffer.from(']q\x00h\x00a')],
    ['a dict without tensors', dict([])],
    ['a dict with a number among its tensors', dict([entry({}), ['epoch', int(1)]])],
  ])('are refused where they are damaged: %s', async (_, root) => {
    expect((await userErrorOf(read(root, SIX))).kind).toBe('checkpoint');
  });
});

describe('tensors that lie', () => {
  it.each<[string, Partial<TensorSpec>]>([
    ['a shape beyond the storage', {shape: [7], strides: [1]}],
    ['an offset beyond the storage', {offset: 1}],
    ['an offset at its end', {offset: 6, shape: [], strides: []}],
    ['strides beyond the storage', {strides: [4, 1]}],
    ['a negative offset', {offset: -1}],
    ['a negative stride', {strides: [-3, 1]}],
    ['a negative size', {shape: [-2, -3]}],
    ['fewer strides than sizes', {strides: [3]}],
    ['a shape that overflows', {shape: [2 ** 30, 2 ** 30], strides: [0, 0]}],
    ['a storage longer than its entry', {count: 7}],
    ['a storage shorter than its entry', {count: 5, shape: [5], strides: [1]}],
    ['a storage of another type', {type: 'DoubleStorage'}],
    ['a storage that is missing', {key: '9'}],
    ['a storage outside of the archive', {key: '../version'}],
    ['65 dimensions', {shape: Array(65).fill(1), strides: Array(65).fill(1)}],
    ['one element repeated a thousand million times', {shape: [1000, 1000, 1000], strides: [0, 0, 0]}],
  ])('are refused: %s', async (_, spec) => {
    expect((await userErrorOf(read(dict([entry(spec)]), SIX))).kind).toBe('checkpoint');
  });

  it('are refused where a second view on the same storage claims more of it', async () => {
    const longer = tensorPickle({count: 60, shape: [60], strides: [1]});
    expect((await userErrorOf(read(dict([entry({}), ['x', longer]]), SIX))).message).toContain('60 elements');
  });
});

describe('bombs', () => {
  const limits: [string, Buffer, string][] = [
    ['millions of dicts', Buffer.alloc(3_000_000, '}'), 'more than 500000 objects'],
    ['millions of marks', Buffer.alloc(3_000_000, '('), 'more than 500000 objects'],
    [
      'lists in lists in lists',
      Buffer.concat([Buffer.alloc(400_000, ']'), Buffer.alloc(399_999, 'a')]),
      'not a dict',
    ],
    [
      'endless instructions',
      Buffer.concat([Buffer.from('N'), Buffer.alloc(8_000_000, '20')]),
      'instructions',
    ],
  ];
  it.each(limits)('are refused before they take much memory: %s', async (_, root, reason) => {
    const before = process.resourceUsage().maxRSS;
    expect((await userErrorOf(read(root))).message).toContain(reason);
    // In KiB. The files themselves have up to 8 MB.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(512 * 1024);
  });

  it('are refused where one list is copied again and again', async () => {
    const thousand = list(...Array.from({length: 1000}, () => tuple(text('k'), int(1))));
    const copy = Buffer.concat([
      global('collections', 'OrderedDict'),
      Buffer.from([0x68, 1, 0x85, 0x52, 0x30]),
    ]);
    const root = Buffer.concat([thousand, Buffer.from([0x71, 1]), ...Array.from({length: 5000}, () => copy)]);
    expect((await userErrorOf(read(root))).message).toContain('objects');
  });
});

/** A copy with one to three bytes set at random. */
function mutated(original: Buffer, random: RandomStream): Buffer {
  const bytes = Buffer.from(original);
  for (let edits = random.integer(3); edits >= 0; edits--) {
    bytes[random.integer(bytes.length)] = random.integer(256);
  }
  return bytes;
}

describe('zip archives that PyTorch never writes', () => {
  const good = pthEntries(program(dict([entry({})])), SIX);
  const replaced = (index: number, change: Partial<ZipEntrySpec>) =>
    zip(good.map((item, i) => (i === index ? {...item, ...change} : item)));
  const archive = zip(good);

  it.each<[string, Buffer, string]>([
    ['compressed', replaced(1, {method: 8}), 'compressed'],
    ['encrypted', replaced(1, {flags: 1}), 'encrypted'],
    ['a path upwards', replaced(2, {name: '../../etc/x'}), 'outside'],
    ['an absolute path', replaced(2, {name: '/etc/passwd'}), 'outside'],
    ["a Windows' path", replaced(2, {name: 'C:\\x'}), 'outside'],
    ['a wrong checksum', replaced(1, {crc: 1}), 'checksum'],
    ['a wrong checksum of the pickle', replaced(0, {crc: 1}), 'checksum'],
    ['a name twice', replaced(2, {name: 'weights/data/0'}), 'twice'],
    ['entries that overlap', replaced(1, {headerStart: 0}), 'overlaps'],
    ['an entry beyond the file', replaced(1, {size: 2 ** 31}), ''],
    ['an entry that reaches into the directory', replaced(2, {size: 100}), 'directory'],
    ['a local header elsewhere', replaced(2, {headerStart: 2 ** 20}), 'directory'],
    ['no pickle', zip(good.slice(1)), 'no data.pkl'],
    ['two pickles', zip([...good, {...good[0], name: 'other/data.pkl'}]), 'no data.pkl'],
    ['TorchScript', zip([...good, {name: 'weights/constants.pkl', data: Buffer.from('x')}]), 'TorchScript'],
    ['big-endian', zip([...good, {name: 'weights/byteorder', data: Buffer.from('big')}]), 'big-endian'],
    ['no end', archive.subarray(0, -1), 'without its end'],
    ['bytes after the end', Buffer.concat([archive, Buffer.alloc(3)]), 'without its end'],
    ['a cut in the middle', archive.subarray(0, archive.length / 2), 'without its end'],
    ['only four bytes', archive.subarray(0, 4), 'without its end'],
  ])('are refused: %s', async (_, bytes, reason) => {
    const error = await userErrorOf(readPth(temporaryFile('weights.pth', bytes)));
    expect(error.kind).toBe('checkpoint');
    expect(error.message).toContain(reason);
  });

  it.each<[string, Buffer | string]>([
    ['nothing', ''],
    ['text', '<!doctype html>'],
    ['a bare pickle', program(dict([]))],
    ['a tar archive', Buffer.concat([Buffer.from('storages'), Buffer.alloc(1016)])],
  ])('are told from files that are none: %s', async (_, bytes) => {
    expect((await userErrorOf(readPth(temporaryFile('weights.pth', bytes)))).message).toContain('torch.save');
  });

  it('are not trusted after any damage: a checkpoint error, or weights of the right shape', async () => {
    const random = stream(2, 'pth fuzz');
    const path = join(temporaryFolder(), 'fuzzed.pth');
    for (let i = 0; i < 500; i++) {
      const bytes = mutated(archive, random);
      writeFileSync(
        path,
        bytes.subarray(0, random.chance(0.1) ? random.integer(bytes.length) : bytes.length),
      );
      const outcome = await readPth(path).catch((error: unknown) => error);
      if (outcome instanceof UserError) expect(outcome.kind).toBe('checkpoint');
      else expect(outcome).toBeInstanceOf(Map);
    }
  });
});

describe('the pickle machine', () => {
  it('answers 20,000 damaged pickles with data or a format error', () => {
    const random = stream(3, 'pickle fuzz');
    const original = program(
      dict([entry({}), ['module.b', tensorPickle({...dense, shape: [6], strides: [1]})]]),
    );
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      try {
        readPickle(mutated(original, random), 0, new TorchHost());
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(5000);
  });
});

describe.skipIf(!existsSync(REFERENCE))('files of PyTorch itself (needs the reference data)', () => {
  const files = existsSync(REFERENCE)
    ? readdirSync(REFERENCE, {recursive: true, encoding: 'utf8'}).filter((name) => name.endsWith('.pth'))
    : [];

  it.each(files)('reads %s: every tensor dense, finite and in place', async (name) => {
    const weights = await readPth(join(REFERENCE, name));
    const raw = readFileSync(join(REFERENCE, name));
    expect(weights.size).toBeGreaterThan(80);
    for (const {dtype, shape, data} of weights.values()) {
      expect(['F32', 'I64']).toContain(dtype);
      expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
      if (data instanceof Float32Array) expect(data.every(Number.isFinite)).toBe(true);
      // Storages lie in the file as they are in memory.
      expect(raw.includes(Buffer.from(data.buffer, data.byteOffset, data.byteLength))).toBe(true);
    }
  });

  it('reads a convolution in its own layout and name', async () => {
    const weights = await readPth(join(REFERENCE, 'hrnet/hrnet_thin_coco17.pth'));
    expect(weights.size).toBe(404);
    expect(weights.get('conv1.weight')).toMatchObject({dtype: 'F32', shape: [64, 3, 3, 3]});
    expect(weights.get('bn1.num_batches_tracked')).toMatchObject({dtype: 'I64', shape: []});
  });
});
