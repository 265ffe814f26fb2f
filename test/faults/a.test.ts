/** @file Faults of group A, checkpoints: processes that are killed as they save, and disks that refuse. */
import {spawnSync} from 'node:child_process';
import {cpSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {loadCheckpoint} from '../../src/checkpoint/load.js';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';
import {stream} from '../../src/random.js';
import {cases, type Fault, FaultRuns, IS_FULL, type Job, type Outcome} from './runs.js';

/** Three epochs of three steps; of the checkpoints only the newest stays, and the best. */
const THREE = ['train.epochs=3', 'train.keepCheckpoints=1'];
const STRAIGHT = 'straight';

let runs: FaultRuns;
/** Milliseconds from a run's first line to its end. */
let duration: number;
beforeAll(async () => {
  runs = await FaultRuns.create();
  const {child, ended} = runs.start([...THREE, `name=${STRAIGHT}`]);
  let begun = 0;
  child.stdout!.once('data', () => {
    begun = performance.now();
  });
  expect(await ended).toMatchObject({code: 0, stderr: ''});
  duration = performance.now() - begun;
}, 600_000);
afterAll(() => runs.remove());

const resumption = (name: string, ...overrides: string[]): Job => ({
  overrides: [...THREE, ...overrides, `name=${name}`],
  resume: true,
});

const NEW = 'step-00000009\\.tmp-[^/]*';
/** Every kind of moment in a save, in order: the third one, which also deletes the second. */
const POINTS: [moment: string, fault: Omit<Fault, 'do'>][] = [
  ['before its folder', {op: 'makeFolder', path: `${NEW}$`}],
  ['before the weights', {op: 'create', path: `${NEW}/model`}],
  ['amid the weights', {op: 'write', path: `${NEW}/model`, when: 'half'}],
  ['before the weights are flushed', {op: 'sync', path: `${NEW}/model`}],
  ['after the weights are flushed', {op: 'sync', path: `${NEW}/model`, when: 'after'}],
  ['amid the optimizer', {op: 'write', path: `${NEW}/optimizer`, when: 'half'}],
  ['before the state', {op: 'create', path: `${NEW}/state`}],
  ['amid the manifest', {op: 'write', path: `${NEW}/MANIFEST`, when: 'half'}],
  ['after the manifest', {op: 'sync', path: `${NEW}/MANIFEST`, when: 'after'}],
  ['before its rename', {op: 'rename', path: `${NEW}$`}],
  ['after its rename', {op: 'rename', path: `${NEW}$`, when: 'after'}],
  ['amid the pointer', {op: 'write', path: 'checkpoints/last\\.tmp', when: 'half'}],
  ['before the pointer’s rename', {op: 'rename', path: 'checkpoints/last\\.tmp'}],
  ['before the old one is renamed', {op: 'rename', path: 'step-00000006$'}],
  ['between the old one’s rename and its removal', {op: 'rename', path: 'step-00000006$', when: 'after'}],
];

/** Kills a run at a moment of its own, and says by what it ended. */
type Victim = {
  readonly name: string;
  readonly overrides: string[];
  readonly kill: () => Promise<string | null>;
};

const EACH_STEP = 'train.checkpointEvery=1 step';

function killedAt(point: Omit<Fault, 'do'>, i: number): Victim {
  const name = `killed-${i}`;
  const kill = async () => {
    const {child, ended} = runs.start([...THREE, `name=${name}`], {...point, do: 'kill'});
    await ended;
    return child.signalCode;
  };
  return {name, overrides: [], kill};
}

/** At an instant between the first line and the end; it may come too late. */
function killedSometime(i: number): Victim {
  const name = `random-${i}`;
  const kill = async () => {
    const {child, ended} = runs.start([...THREE, EACH_STEP, `name=${name}`]);
    const delay = stream(0, 'kill', i).uniform(0, duration);
    child.stdout!.once('data', async () => {
      await sleep(delay);
      child.kill('SIGKILL');
    });
    await ended;
    return child.signalCode;
  };
  return {name, overrides: [EACH_STEP], kill};
}

describe('a run that is killed goes on to the same end', () => {
  const points = cases(POINTS, 2, 14);
  const instants = Array.from({length: IS_FULL ? 50 : 2}, (_, i) => i);
  const victims = [...points.map(([, point], i) => killedAt(point, i)), ...instants.map(killedSometime)];
  const signals: (string | null)[] = [];

  // One process resumes them all, for its start takes longer than a run.
  beforeAll(async () => {
    for (const {kill} of victims) signals.push(await kill());
    const outcomes = await runs.drive(victims.map(({name, overrides}) => resumption(name, ...overrides)));
    expect(outcomes).toEqual(victims.map(() => ({code: 0})));
  }, 1_800_000);

  it.each(points.map(([moment], i) => [moment, i] as const))('A1 while it saves: %s', (_, i) => {
    expect(signals[i]).toBe('SIGKILL');
    runs.expectSame(victims[i].name, STRAIGHT);
  });

  it.each(instants)('A2 at any time: instant %i', (i) => {
    runs.expectSame(victims[points.length + i].name, STRAIGHT);
  });
});

describe('a disk that refuses', () => {
  it('A3 is full for one save: the run goes on, says so once, and saves again', async () => {
    const fault: Fault = {do: 'ENOSPC', op: 'write', path: 'step-00000003\\.tmp.*/model', when: 'half'};
    const {code, stdout} = await runs.train([...THREE, 'name=full'], fault);
    expect(code).toBe(0);
    const warnings = stdout.match(/^warning: No checkpoint was saved at step \d+; the training goes on.*$/gm);
    expect(warnings).toHaveLength(1);
    expect(warnings![0]).toMatch(/at step 3; .*\(ENOSPC\): the disk is full/);
    runs.expectSame('full', STRAIGHT);
  });

  it.runIf(IS_FULL && process.getuid?.() === 0)('A3 is really full, and then has room again', async () => {
    const disk = runs.makeFolder('small-disk');
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4096k', 'tmpfs', disk]);
    // Containers often forbid it.
    if (mounted.status !== 0) return;
    try {
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(3_900_000));
      const refused = await runs.train([...THREE, 'output=small-disk', 'name=a']);
      expect(refused.code).toBe(6);
      expect(readdirSync(join(disk, 'a'))).not.toContain('LOCK');
      writeFileSync(join(disk, 'ballast'), '');
      const {code, stdout} = await runs.train([...THREE, 'output=small-disk', 'name=a', '--resume']);
      expect({code, stdout}).toMatchObject({code: 0});
    } finally {
      spawnSync('umount', [disk]);
    }
  });

  it('A4 takes no large file: three saves fail loudly, and the run ends with 6', async () => {
    const line = `ulimit -f 40; ${runs.shellCommand('train.epochs=9', 'name=limited')}`;
    const {status, stdout, stderr} = spawnSync('bash', ['-c', line], {cwd: runs.path, encoding: 'utf8'});
    expect(stdout.match(/^warning: No checkpoint was saved at step [36];/gm)).toHaveLength(2);
    expect(stderr).toMatch(/^error: 3 saves in a row failed, .*\(EFBIG\): .*ulimit -f/);
    expect(status).toBe(6);
    expect(runs.steps('limited')).toEqual([]);
    runs.expectTidy('limited');
  });

  const codes = cases(['EIO', 'EDQUOT', 'EROFS', 'EACCES', 'ENOSPC']);
  it.each(codes)('A4 answers %s from the second epoch on: exit 6, and the first stays good', async (code) => {
    const name = `refused-${code}`;
    const fault: Fault = {do: code, op: 'sync', path: 'step-0000(0006|0009|0012)\\.tmp.*/optimizer'};
    const ended = await runs.train(['train.epochs=9', `name=${name}`], fault);
    expect(ended.code).toBe(6);
    expect(ended.stderr).toMatch(new RegExp(`^error: 3 saves in a row failed, .*\\(${code}\\)`));
    expect(runs.steps(name)).toEqual([3]);
    await loadCheckpoint(runs.at(`output/${name}/checkpoints/step-00000003`));
    runs.expectTidy(name);
  });

  it.runIf(IS_FULL)('A4 refuses the last checkpoint: the run does not claim to be done', async () => {
    const fault: Fault = {do: 'EIO', op: 'rename', path: `${NEW}$`};
    const {code, stderr} = await runs.train([...THREE, 'name=last'], fault);
    expect(code).toBe(6);
    expect(stderr).toMatch(/^error: output\/last\/checkpoints: the run's last state could not be saved\./);
  });
});

describe('checkpoints that are there', () => {
  const changes: [what: string, overrides: string[], line: string][] = [
    ['another model', ['model.head.sigma=3'], 'model.head.sigma: 1.5 → 3'],
    ['another rate', ['train.optimizer.learningRate=0.1'], 'train.optimizer.learningRate: 0.001 → 0.1'],
    ['another seed', ['seed=5'], 'seed: 0 → 5'],
    ['other data', ['dataset.train.annotations=moved.json'], 'dataset.train: content '],
  ];
  const damaged = 'output/damaged/checkpoints';
  const stepsOf = (folder: string) => runs.list(folder).filter((name) => name.startsWith('step-'));
  let before: string[];
  let outcomes: Outcome[];

  beforeAll(async () => {
    cpSync(runs.at(`output/${STRAIGHT}`), runs.at('output/damaged'), {recursive: true});
    for (const step of stepsOf(damaged))
      writeFileSync(runs.at(`${damaged}/${step}/model.safetensors`), 'damage');
    runs.writePeople('moved.json', ({annotations}) => {
      (annotations[0].keypoints as number[])[0] += 1;
    });
    before = runs.list(`output/${STRAIGHT}/checkpoints`);
    const jobs = changes.map(([, overrides]) => resumption(STRAIGHT, ...overrides));
    const allowed = {...jobs[2], allow: ['seed']};
    outcomes = await runs.drive([...jobs, allowed, resumption('damaged', 'train.epochs=4')]);
  }, 600_000);

  it('A9 and are all damaged end the run with 7; nothing is deleted, and nothing begun anew', () => {
    const {code, message} = outcomes.at(-1)!;
    const steps = stepsOf(`output/${STRAIGHT}/checkpoints`);
    expect(code).toBe(7);
    expect(message).toMatch(
      new RegExp(`all ${steps.length} checkpoints are damaged, and nothing was deleted`),
    );
    expect(stepsOf(damaged)).toEqual(steps.map((step) => `${step}.corrupt`));
    expect(runs.events('damaged')).toEqual(runs.events(STRAIGHT));
  });

  it('A16 and were written in format version 1 are read', async () => {
    const folder = join(PACKAGE_ROOT, 'test', 'faults', 'format-1', 'step-00000007');
    const {step, model, ema, optimizer, state} = await loadCheckpoint(folder);
    expect({step, state}).toEqual({step: 7, state: {step: 7, epoch: 2, note: 'Zürich'}});
    expect(model.get('conv.weight')).toEqual({
      ...{dtype: 'F32', shape: [2, 2]},
      data: Float32Array.of(1, -0.5, 3.25, 0.1),
    });
    expect(model.get('bn.num_batches_tracked')?.data).toEqual(BigInt64Array.of(7n));
    expect(ema?.get('conv.weight')?.data).toEqual(Float32Array.of(2, 4, 8, 16));
    expect(optimizer?.get('exp_avg.conv.weight')?.shape).toEqual([1]);
    expect(readFileSync(join(folder, 'MANIFEST.json'), 'utf8')).toContain('"version": 1');
  });

  it.each(changes.map(([what, , line], i) => [what, line, i] as const))(
    'A17 H5 are not gone on with for %s',
    (_, line, i) => {
      expect(outcomes[i].code).toBe(2);
      expect(outcomes[i].message).toContain(`\n  ${line}`);
      expect(runs.list(`output/${STRAIGHT}/checkpoints`)).toEqual(before);
    },
  );

  it('A17 are gone on with when the change is allowed', () => {
    expect(outcomes[changes.length]).toEqual({code: 0});
  });
});
