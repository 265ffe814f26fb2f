// Loaded by `--import` into the main thread and every worker of a run: does what POSE_FAULT says when the run changes
// the disk for the time that it names. {"do", "op", "path", "when"}: `op` is one of FileOps or of WritableFile, `path` a
// pattern for the file, `when` "before" (unless given), "half" (of a write) or "after"; `nth` counts the times in a thread.
// The product knows nothing of it.
import {diskOps} from '../../dist/checkpoint/files.js';

const {do: action, op, path: pattern, when = 'before', nth} = JSON.parse(process.env.POSE_FAULT);

const never = () => new Promise(() => {});

/** What may happen, by the fault's name; any other is the code of a system error. */
const ACTIONS = {
  kill: () => {
    process.kill(process.pid, 'SIGKILL');
    // The signal ends the other threads at once, and this one at its next turn.
    return never();
  },
  SIGTERM: () => process.kill(process.pid, 'SIGTERM'),
  SIGINT: () => process.kill(process.pid, 'SIGINT'),
  SIGUSR1: () => process.kill(process.pid, 'SIGUSR1'),
  SIGHUP: () => process.kill(process.pid, 'SIGHUP'),
  twice: () => {
    process.kill(process.pid, 'SIGTERM');
    // Of two that arrive while the main thread is busy the system hands on one.
    setInterval(() => process.kill(process.pid, 'SIGTERM'), 300);
    return never();
  },
  throw: () => void setImmediate(() => JSON.parse('{"thrown":')),
  reject: () => void Promise.reject(new Error('rejected by nobody')),
  exit: () => process.exit(0),
  memory: () => {
    const held = [];
    for (;;) held.push(Array.from({length: 1e5}, () => ({})));
  },
};

let times = 0;

function happen() {
  if (nth !== undefined && ++times !== nth) return undefined;
  if (ACTIONS[action]) return ACTIONS[action]();
  throw Object.assign(new Error(`${action}: injected`), {code: action});
}

/** `call` with the fault around it, if it is this operation on this file. */
function faulty(name, file, call) {
  if (name !== op || !new RegExp(pattern).test(file)) return call;
  return async (...args) => {
    if (when === 'before') await happen();
    if (when === 'half') {
      await call(args[0].subarray(0, Math.ceil(args[0].length / 2)));
      await happen();
    }
    const result = await call(...args);
    if (when === 'after') await happen();
    return result;
  };
}

for (const name of ['makeFolder', 'syncFolder', 'rename', 'remove', 'size', 'freeBytes']) {
  const call = diskOps[name];
  diskOps[name] = (file, ...rest) => faulty(name, file, call)(file, ...rest);
}
const {create} = diskOps;
diskOps.create = async (file) => {
  const opened = await faulty('create', file, create)(file);
  return Object.fromEntries(Object.entries(opened).map(([name, call]) => [name, faulty(name, file, call)]));
};
