// Loaded by `--import` into the main thread and every worker: does harm when images whose path has FAULT_FILE in it are
// read, as often as FAULT_TIMES says (counted in FAULT_LOG, for threads are new after each death).
import {appendFileSync, readFileSync} from 'node:fs';
import promises from 'node:fs/promises';
import {syncBuiltinESMExports} from 'node:module';
import {isMainThread, Worker} from 'node:worker_threads';

const {FAULT, FAULT_FILE, FAULT_LOG, FAULT_TIMES} = process.env;
const {readFile} = promises;
const {postMessage} = Worker.prototype;
const never = () => new Promise(() => {});

/** Whether it is to happen now. */
function isDue() {
  appendFileSync(FAULT_LOG, '.');
  return readFileSync(FAULT_LOG, 'utf8').length <= Number(FAULT_TIMES);
}

const HARM = {
  exit: () => process.exit(3),
  throw: () => {
    setTimeout(() => {
      throw new Error('thrown on purpose');
    });
    return never();
  },
  memory: () => {
    const hoard = [];
    while (true) hoard.push(new Array(100_000).fill(hoard.length));
  },
  hang: never,
  // Slow, but it gets there.
  slow: async (...args) => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    return readFile(...args);
  },
};

promises.readFile = (file, ...rest) =>
  HARM[FAULT] && String(file).includes(FAULT_FILE) && isDue()
    ? HARM[FAULT](file, ...rest)
    : readFile(file, ...rest);
syncBuiltinESMExports();

if (isMainThread && FAULT === 'terminate') {
  Worker.prototype.postMessage = function (...args) {
    if (isDue()) setTimeout(() => this.terminate(), 2);
    return postMessage.apply(this, args);
  };
}
