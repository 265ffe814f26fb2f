// Several runs after one another in one process, for the start of a process costs more than a tiny run: each goes through
// the very code of `pose-train`. Job: {overrides, resume, allow, stop, append}; `append` is a file and what is added to it before,
// `stop` names the moment of a SIGTERM: {step},
// {validation} (its number of the epoch, in its midst) or {epoch} (after its validation). Writes the outcomes as JSON.
import {appendFileSync, writeFileSync} from 'node:fs';
import {loadConfig} from '../../dist/config/load.js';
import {exitCodeOf} from '../../dist/errors.js';
import {SignalHook} from '../../dist/train/hooks/signals.js';
import {trainFromConfig} from '../../dist/train/train.js';

const [recipe, jobs, target] = process.argv.slice(2);
const signal = () => process.emit('SIGTERM', 'SIGTERM');
const {afterStep, afterEpoch, interruptible} = SignalHook.prototype;
let stop = {};
let validations = 0;

SignalHook.prototype.afterStep = function (run) {
  if (run.progress.step === stop.step) signal();
  return afterStep.call(this, run);
};
SignalHook.prototype.afterEpoch = function (run) {
  if (run.progress.epoch === stop.epoch) signal();
  return afterEpoch.call(this, run);
};
SignalHook.prototype.interruptible = function (work) {
  return interruptible.call(this, (stopHere) => {
    if (++validations === stop.validation) signal();
    return work(stopHere);
  });
};

async function outcome({overrides = [], resume = false, allow = []}) {
  try {
    const {config} = loadConfig(recipe, overrides);
    const {signalExitCode} = await trainFromConfig(config, {resume, allowedChanges: allow});
    return {code: signalExitCode ?? 0};
  } catch (error) {
    return {code: exitCodeOf(error), message: error.message, stack: error.stack};
  }
}

const outcomes = [];
for (const job of JSON.parse(jobs)) {
  stop = job.stop ?? {};
  validations = 0;
  if (job.append) appendFileSync(...job.append);
  outcomes.push(await outcome(job));
}
writeFileSync(target, JSON.stringify(outcomes));
