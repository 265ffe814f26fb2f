/** @file The objects that a PyTorch pickle may name: tensors over storages, plain containers, and nothing else. */
import {elementCount} from '../elements.js';
import {FormatError, quoted} from '../formatError.js';
import type {ElementType} from '../stateDict.js';
import {PickledObject, PickleGlobal, type PickleHost, type PickleValue, Tuple} from './pickleValues.js';

const STORAGE_TYPES: Readonly<Record<string, ElementType>> = {
  'torch.DoubleStorage': 'F64',
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
};

/** PyTorch's own limit. */
const MAX_RANK = 64;

/** A flat array elsewhere in the file, seen as `count` elements of one type. */
export class Storage extends PickledObject {
  readonly kind = 'storage';

  constructor(
    readonly key: string,
    readonly dtype: ElementType,
    readonly count: number,
  ) {
    super();
  }
}

/** A view on a storage; offset and strides in elements. */
export class Tensor extends PickledObject {
  readonly kind = 'tensor';

  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {
    super();
  }
}

/** Something that no weight is made of (a NumPy array among a checkpoint's notes): known to exist, not looked at. */
class Inert extends PickledObject {
  readonly kind = 'inert';
}

function count(value: PickleValue | undefined, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new FormatError(`is damaged: ${what} is not a count`);
  }
  return value;
}

function counts(value: PickleValue | undefined, what: string): number[] {
  if (!(value instanceof Tuple)) throw new FormatError(`is damaged: ${what} is not a tuple`);
  if (value.items.length > MAX_RANK)
    throw new FormatError(`is damaged: ${what} has more than ${MAX_RANK} values`);
  return value.items.map((item) => count(item, what));
}

/** torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) */
function rebuildTensor([storage, offsetValue, shapeValue, stridesValue]: readonly PickleValue[]): Tensor {
  if (!(storage instanceof Storage)) throw new FormatError('is damaged: a tensor has no storage');
  const offset = count(offsetValue, "a tensor's offset");
  const shape = counts(shapeValue, "a tensor's shape");
  const strides = counts(stridesValue, "a tensor's strides");
  if (shape.length !== strides.length)
    throw new FormatError('is damaged: a tensor has too many or too few strides');
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], offset);
  if (elementCount(shape) > 0 && !(last < storage.count)) {
    throw new FormatError(
      `is damaged: a tensor of shape [${shape}] and strides [${strides}] at ${offset} reaches beyond its storage of ${storage.count}`,
    );
  }
  return new Tensor(storage, offset, shape, strides);
}

/** torch._utils._rebuild_parameter(data, requires_grad, hooks) */
function rebuildParameter([data]: readonly PickleValue[]): Tensor {
  if (!(data instanceof Tensor)) throw new FormatError('is damaged: a parameter holds no tensor');
  return data;
}

/** collections.OrderedDict(), or of a list of pairs. */
function orderedDict([pairs = []]: readonly PickleValue[]): PickleValue {
  if (!Array.isArray(pairs))
    throw new FormatError('is damaged: an OrderedDict is made of something that is no list');
  return new Map(
    pairs.map((pair) => {
      const [key, value] = pair instanceof Tuple ? pair.items : Array.isArray(pair) ? pair : [];
      if (value === undefined) throw new FormatError('is damaged: an OrderedDict has a key without a value');
      return [key, value];
    }),
  );
}

function set([items = []]: readonly PickleValue[]): PickleValue {
  if (!Array.isArray(items)) throw new FormatError('is damaged: a set is made of something that is no list');
  return new Set(items);
}

function size([items = new Tuple([])]: readonly PickleValue[]): PickleValue {
  return new Tuple(counts(items, 'a torch.Size'));
}

const inert = () => new Inert();

const FUNCTIONS: Readonly<Record<string, (args: readonly PickleValue[]) => PickleValue>> = {
  'collections.OrderedDict': orderedDict,
  'builtins.set': set,
  '__builtin__.set': set,
  'torch.Size': size,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_parameter': rebuildParameter,
  'torch.device': inert,
  '_codecs.encode': inert,
  'numpy.dtype': inert,
  'numpy.ndarray': inert,
  'numpy.core.multiarray.scalar': inert,
  'numpy.core.multiarray._reconstruct': inert,
  'numpy._core.multiarray.scalar': inert,
  'numpy._core.multiarray._reconstruct': inert,
};

function notCallable(name: string) {
  return () => {
    throw new FormatError(`is damaged: it calls "${name}", which is a type of storage`);
  };
}

/** The allow-list, and the tensors' storages. */
export class TorchHost implements PickleHost {
  /** Every storage that the pickle mentions, by key. */
  readonly storages = new Map<string, Storage>();

  find(name: string): PickleGlobal {
    if (Object.hasOwn(FUNCTIONS, name)) return new PickleGlobal(name, FUNCTIONS[name]);
    if (Object.hasOwn(STORAGE_TYPES, name)) return new PickleGlobal(name, notCallable(name));
    throw new FormatError(
      `is refused: it names the Python object ${quoted(name)}, which plain weights never need; nothing of it ` +
        'was run. If you trust its origin, load it in PyTorch and save the weights alone: torch.save(model.state_dict(), ...)',
    );
  }

  /** ('storage', type, key, device, count), in old files followed by a view, which only PyTorch 0.3 and older made. */
  persistent(id: PickleValue): Storage {
    const [tag, type, key, , length, view = null] = id instanceof Tuple ? id.items : [];
    if (tag !== 'storage' || !(type instanceof PickleGlobal) || typeof key !== 'string' || view !== null) {
      throw new FormatError('is damaged: it refers to something that is no storage');
    }
    if (!Object.hasOwn(STORAGE_TYPES, type.name)) {
      throw new FormatError(`is damaged: "${type.name}" is no type of storage`);
    }
    const storage = new Storage(key, STORAGE_TYPES[type.name], count(length, "a storage's length"));
    if (!this.storages.has(key)) this.storages.set(key, storage);
    return storage;
  }

  /** State dicts carry their modules' versions as an attribute; nothing here reads it. */
  build(target: PickleValue, state: PickleValue): void {
    const allowed = target instanceof Inert || (target instanceof Map && state instanceof Map);
    if (!allowed)
      throw new FormatError('is refused: it sets the inner state of an object; nothing of it was run');
  }
}
