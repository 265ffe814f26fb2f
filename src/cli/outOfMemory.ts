/** @file Recognises that memory ran out, wherever it did: in libtorch, or in an array of JavaScript. */
import {circumstancesOf, isOutOfMemory, OutOfMemoryError} from '../errors.js';
import {formatBytes, formatCount} from '../report/format.js';

const AMOUNT = /tried to allocate ([\d.]+) ?(bytes|[KMGT]iB)/i;
const MENDS =
  'Use a smaller train.batchSize, eval.batchSize or model.input, or train.precision=bf16, or end other programs that ' +
  'take the memory.';

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
  const peak = `the process held ${formatBytes(1024 * process.resourceUsage().maxRSS)} at most`;
  const parts = [request(error), circumstancesOf(error), held, peak].filter((part) => part !== null);
  return new OutOfMemoryError(`out of memory: ${parts.join('; ')}. ${MENDS}`, {cause: error});
}
