/** @file PyTorch's checkpoints (`.pth`, `.pt`), read without running anything that they contain. */
import {elementBytes} from './elements.js';
import {FormatError, quoted} from './formatError.js';
import {withInputFile} from './inputFile.js';
import {openTorchFile, type TorchFile} from './pth/containers.js';
import type {PickleDict, PickleValue} from './pth/pickleValues.js';
import {CopyBudget, toHostTensor} from './pth/strided.js';
import {Tensor} from './pth/torchObjects.js';
import type {StateDict} from './stateDict.js';

/** Under which training checkpoints keep their weights: PyTorch Lightning and MMPose, timm, HRNet. */
const NESTED_KEYS = ['state_dict', 'model', 'best_state_dict'];
/** Added to the names by DataParallel. */
const PREFIX = 'module.';
const EXTRA_BYTES = 32 * 2 ** 20;

/** The dict of tensors: the root itself, or the first of the usual keys that holds one. */
function findWeights(root: PickleValue): PickleDict {
  if (!(root instanceof Map)) throw new FormatError('holds no state dict: its content is not a dict');
  for (const key of NESTED_KEYS) {
    const nested = root.get(key);
    if (nested instanceof Map) return nested;
  }
  return root;
}

/** The tensors by name; anything else among them is an error, as it would be lost silently. */
function namedTensors(weights: PickleDict): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [name, value] of weights) {
    if (typeof name !== 'string' || !(value instanceof Tensor)) {
      const shown = typeof name === 'object' ? 'of an unusual kind' : quoted(String(name));
      throw new FormatError(
        `holds no state dict: the key ${shown} is not a tensor. Save the weights alone, or under "state_dict"`,
      );
    }
    tensors.set(name, value);
  }
  if (tensors.size === 0) throw new FormatError('holds no tensors');
  return tensors;
}

async function collect(
  tensors: Map<string, Tensor>,
  source: TorchFile,
  budget: CopyBudget,
): Promise<StateDict> {
  const prefixed = [...tensors.keys()].every((name) => name.startsWith(PREFIX));
  const buffers = new Map<string, ArrayBuffer>();
  const dict: StateDict = new Map();
  for (const [name, tensor] of tensors) {
    const {key, dtype, count} = tensor.storage;
    const buffer = buffers.get(key) ?? (await source.readStorage(key));
    if (buffer.byteLength !== count * elementBytes(dtype)) {
      throw new FormatError(
        `is damaged: ${quoted(name)} needs ${count} elements of ${dtype} in a storage of ${buffer.byteLength} bytes`,
      );
    }
    buffers.set(key, buffer);
    dict.set(prefixed ? name.slice(PREFIX.length) : name, toHostTensor(tensor, buffer, budget));
  }
  return dict;
}

/**
 * Reads the state dict of a `.pth` file: the weights alone, or what lies under `state_dict`, `model` or
 * `best_state_dict`. The prefix `module.` is removed. Tensors that share a storage in the file share memory here.
 * @throws UserError 'usage' if it is missing; 'checkpoint' if it is damaged, holds no state dict, or names any Python
 *   object beyond tensors and plain containers
 */
export async function readPth(path: string): Promise<StateDict> {
  return withInputFile(path, async (file) => {
    const source = await openTorchFile(file);
    const tensors = namedTensors(findWeights(source.root));
    return collect(tensors, source, new CopyBudget(file.size + EXTRA_BYTES));
  });
}
