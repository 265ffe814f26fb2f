/** @file The pool: order of results, errors of the threads, threads that die. Threads here are small plain modules. */
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest';
import {WorkerPool} from '../../../src/data/loader/workerPool.js';
import {UserError} from '../../../src/errors.js';

let folder: string;
let pool: WorkerPool<string, string> | null = null;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool-'));
});
afterEach(() => pool?.close());
afterAll(() => rm(folder, {recursive: true}));

/** A pool whose threads log each task they get, then run `body` with `task`, `id` and `reply(result)`. */
async function poolOf(size: number, body: string) {
  const log = join(folder, `${Math.abs(body.length)}-${size}.log`);
  await writeFile(log, '');
  const module = join(folder, `${body.length}-${size}.mjs`);
  await writeFile(
    module,
    `import {parentPort, workerData} from 'node:worker_threads';
    import {appendFileSync, readFileSync} from 'node:fs';
    parentPort.on('message', async ({id, task}) => {
      appendFileSync(workerData.log, task + ' ');
      const times = readFileSync(workerData.log, 'utf8').split(' ').filter((seen) => seen === task).length;
      const reply = (result) => parentPort.postMessage({id, result});
      const fail = (failure) => parentPort.postMessage({id, failure});
      ${body}
    });`,
  );
  pool = new WorkerPool(pathToFileURL(module), size, {log});
  return {pool, tasks: async () => (await readFile(log, 'utf8')).trim().split(' ')};
}

describe('WorkerPool', () => {
  it('gives each caller its own result, whichever thread is done first', async () => {
    const {pool} = await poolOf(2, 'setTimeout(() => reply(task + "!"), task === "slow" ? 200 : 1);');
    expect(await Promise.all(['slow', 'a', 'b', 'c'].map((task) => pool.run(task)))).toEqual([
      'slow!',
      'a!',
      'b!',
      'c!',
    ]);
  });

  it('passes on a user’s error with its kind, and a bug as a bug', async () => {
    const {pool} = await poolOf(1, 'fail({kind: task === "bug" ? null : "data", message: "about " + task});');
    const broken = await pool.run('broken.jpg').catch((error: unknown) => error);
    const bug = await pool.run('bug').catch((error: unknown) => error);
    expect(broken).toBeInstanceOf(UserError);
    expect(broken).toMatchObject({kind: 'data', message: 'about broken.jpg'});
    expect(bug).toBeInstanceOf(Error);
    expect(bug).not.toBeInstanceOf(UserError);
  });

  it.each([
    ['leave', 'process.exit(3)'],
    ['throw', 'setTimeout(() => { throw new Error("crash"); })'],
  ])('gives the task of threads that %s to new ones', async (_, death) => {
    const {pool, tasks} = await poolOf(1, `if (task === 'bad' && times <= 3) ${death}; else reply(task);`);
    expect(await Promise.all([pool.run('bad'), pool.run('good')])).toEqual(['bad', 'good']);
    expect(await tasks()).toEqual(['bad', 'bad', 'bad', 'bad', 'good']);
  });

  it('gives up after three new threads, names the reason, and goes on with other tasks', async () => {
    const {pool, tasks} = await poolOf(
      1,
      `if (task === 'fatal') throw new Error('out of luck'); else reply(task);`,
    );
    const [fatal, good] = await Promise.allSettled([pool.run('fatal'), pool.run('good')]);
    expect(fatal).toMatchObject({status: 'rejected', reason: {kind: 'worker', exitCode: 8}});
    expect((fatal as PromiseRejectedResult).reason.message).toMatch(
      /died 4 times.*out of luck.*loader\.workers/,
    );
    expect(good).toMatchObject({status: 'fulfilled', value: 'good'});
    expect(await tasks()).toEqual(['fatal', 'fatal', 'fatal', 'fatal', 'good']);
  });

  it('rejects what is under way when it is closed, and whatever comes later', async () => {
    const {pool} = await poolOf(1, '/* never answers */');
    const pending = [pool.run('one'), pool.run('two')].map((promise) =>
      expect(promise).rejects.toThrow(/closed/),
    );
    await pool.close();
    await Promise.all(pending);
    await expect(pool.run('three')).rejects.toThrow(/closed/);
  });
});
