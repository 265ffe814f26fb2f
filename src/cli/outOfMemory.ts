/** @file Recognises that memory ran out, wherever it did: in libtorch, or in an array of JavaScript. */
import {OutOfMemoryError} from '../errors.js';
import {formatCount} from '../report/format.js';

/** What V8 writes of an array that is too large for it. */
const TOO_LARGE = /^(Array buffer allocation failed|Invalid typed array length: \d+)$/;
const AMOUNT = /tried to allocate ([\d.]+) ?(bytes|[KMGT]iB)/i;
const MENDS =
  'Use a smaller train.batchSize, eval.batchSize or model.input, or train.precision=bf16, or end other programs that ' +
  'take the memory.';

function isOutOfMemory(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (error instanceof RangeError) return TOO_LARGE.test(error.message);
  return (error as NodeJS.ErrnoException).code === 'ERR_OUT_OF_MEMORY';
}

/** `1.5 GiB`. */
function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return `${Number((bytes / 1024 ** unit).toPrecision(3))} ${units[unit]}`;
}

/** Who asked for how much, as far as the error says it. */
function request({message}: Error): string {
  const who = /^(\w+::[\w.]+): /.exec(message)?.[1] ?? 'An array';
  const [, amount, unit] = AMOUNT.exec(message) ?? [];
  if (!amount) return `${who} asked for more memory than there is (${message.replace(/^\w+::[\w.]+: /, '')})`;
  return `${who} asked for ${unit === 'bytes' ? formatBytes(Number(amount)) : `${amount} ${unit}`} and did not get it`;
}

/**
 * The error itself, unless it says that memory ran out: then an OutOfMemoryError. What the failed step held is
 * free again by the time that an error reaches a command; the tensors counted are those held beside it.
 */
export async function translateOutOfMemory(error: unknown): Promise<unknown> {
  if (!isOutOfMemory(error)) return error;
  // Loaded already, or nothing would have run out of memory.
  const {memory} = await import('@tensorflow/tfjs');
  const {numTensors, numBytes} = memory();
  const held = `tensors held beside the failed step: ${formatCount(numTensors)} (${formatBytes(numBytes)})`;
  return new OutOfMemoryError(`out of memory: ${request(error)}; ${held}. ${MENDS}`, {cause: error});
}
