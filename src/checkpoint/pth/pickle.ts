/**
 * @file Reads Python's pickles (protocols 2 to 5; pickletools documents the opcodes) without Python: only data is built,
 * and what a pickle names is looked up in a table that the caller gives.
 */
import {FormatError} from '../formatError.js';
import {fillDict, Machine} from './pickleMachine.js';
import {type PickleHost, type PickleValue, Tuple} from './pickleValues.js';

/** Bounds time and memory; a checkpoint of ten thousand tensors needs a fifth of it. */
const MAX_INSTRUCTIONS = 2_000_000;

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

function stackGlobal(machine: Machine): void {
  const [module, name] = machine.popMany(2);
  if (typeof module !== 'string' || typeof name !== 'string') {
    throw new FormatError('is damaged: its pickle names an object by something that is no string');
  }
  machine.find(`${module}.${name}`);
}

const STOP = 0x2e;

/** What each opcode does. The text forms of protocols 0 and 1, extension codes and class instances are left out. */
const INSTRUCTIONS = new Map<number, (machine: Machine) => void>([
  [0x80, (m) => void m.take(1)], // PROTO
  [0x95, (m) => void m.take(8)], // FRAME
  [0x28, (m) => m.mark()], // MARK
  [0x30, (m) => void m.pop()], // POP
  [0x31, (m) => void m.popMark()], // POP_MARK
  [0x32, (m) => m.push(m.top())], // DUP
  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x4a, (m) => m.push(m.int32())], // BININT
  [0x4b, (m) => m.push(m.uint8())], // BININT1
  [0x4d, (m) => m.push(m.uint16())], // BININT2
  [0x8a, (m) => m.push(m.integer(m.uint8()))], // LONG1
  [0x8b, (m) => m.push(m.integer(m.uint32()))], // LONG4
  [0x47, (m) => m.push(m.float64())], // BINFLOAT
  [0x58, (m) => m.push(m.text(m.uint32()))], // BINUNICODE
  [0x8c, (m) => m.push(m.text(m.uint8()))], // SHORT_BINUNICODE
  [0x8d, (m) => m.push(m.text(m.uint64()))], // BINUNICODE8
  [0x54, (m) => m.push(latin1(m.take(m.uint32())))], // BINSTRING, Python 2's str
  [0x55, (m) => m.push(latin1(m.take(m.uint8())))], // SHORT_BINSTRING
  [0x42, (m) => m.make(m.take(m.uint32()))], // BINBYTES
  [0x43, (m) => m.make(m.take(m.uint8()))], // SHORT_BINBYTES
  [0x8e, (m) => m.make(m.take(m.uint64()))], // BINBYTES8
  [0x5d, (m) => m.make([])], // EMPTY_LIST
  [0x61, (m) => m.extendList(m.popMany(1))], // APPEND
  [0x65, (m) => m.extendList(m.popMark())], // APPENDS
  [0x6c, (m) => m.make(m.popMark())], // LIST
  [0x29, (m) => m.make(new Tuple([]))], // EMPTY_TUPLE
  [0x74, (m) => m.make(new Tuple(m.popMark()))], // TUPLE
  [0x85, (m) => m.make(new Tuple(m.popMany(1)))], // TUPLE1
  [0x86, (m) => m.make(new Tuple(m.popMany(2)))], // TUPLE2
  [0x87, (m) => m.make(new Tuple(m.popMany(3)))], // TUPLE3
  [0x7d, (m) => m.make(new Map())], // EMPTY_DICT
  [0x64, (m) => m.make(fillDict(new Map(), m.popMark()))], // DICT
  [0x73, (m) => m.extendDict(m.popMany(2))], // SETITEM
  [0x75, (m) => m.extendDict(m.popMark())], // SETITEMS
  [0x8f, (m) => m.make(new Set())], // EMPTY_SET
  [0x90, (m) => m.extendSet(m.popMark())], // ADDITEMS
  [0x91, (m) => m.make(new Set(m.popMark()))], // FROZENSET
  [0x68, (m) => m.recall(m.uint8())], // BINGET
  [0x6a, (m) => m.recall(m.uint32())], // LONG_BINGET
  [0x71, (m) => m.remember(m.uint8())], // BINPUT
  [0x72, (m) => m.remember(m.uint32())], // LONG_BINPUT
  [0x94, (m) => m.memoize()], // MEMOIZE
  [0x63, (m) => m.find(`${m.line()}.${m.line()}`)], // GLOBAL
  [0x93, stackGlobal], // STACK_GLOBAL
  [0x52, (m) => m.reduce()], // REDUCE
  [0x81, (m) => m.reduce()], // NEWOBJ: for the allowed classes the same as a call
  [0x51, (m) => m.persistent()], // BINPERSID
  [0x62, (m) => m.build()], // BUILD
]);

/**
 * Reads the pickle that begins at `start`.
 * @returns its value, and where the bytes after it begin
 * @throws FormatError if it is damaged, names what `host` refuses, or is absurdly large; TruncatedPickle if it is cut off
 */
export function readPickle(
  bytes: Uint8Array,
  start: number,
  host: PickleHost,
): {value: PickleValue; end: number} {
  const machine = new Machine(bytes, start, host);
  for (let count = 0; count < MAX_INSTRUCTIONS; count++) {
    const code = machine.uint8();
    if (code === STOP) return {value: machine.pop(), end: machine.position};
    const execute = INSTRUCTIONS.get(code);
    if (execute === undefined) {
      const shown = `0x${code.toString(16).padStart(2, '0')} at byte ${machine.position - 1}`;
      throw new FormatError(
        `is refused: its pickle has the instruction ${shown}, which plain weights never need; nothing was run`,
      );
    }
    execute(machine);
  }
  throw new FormatError(`is refused: its pickle has more than ${MAX_INSTRUCTIONS} instructions`);
}
