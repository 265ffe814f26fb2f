import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {hostname} from 'node:os';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {acquireLock} from '../../src/checkpoint/lock.js';
import {compiledModule} from '../../src/packagePaths.js';
import {deadPid, systemError, temporaryFolder, userErrorOf, watchedOps} from './builders.js';

/** Takes the lock and waits to be killed. */
const HOLDER = `
  const [folder, lock] = process.argv.slice(1);
  const {acquireLock} = await import(lock);
  try {
    await acquireLock(folder);
    console.log('locked');
    setInterval(() => {}, 1000);
  } catch (error) {
    console.log(error.kind + ' ' + error.message);
  }
`;

function startHolder(folder: string) {
  const args = ['--input-type=module', '-e', HOLDER, folder, compiledModule('checkpoint/lock').href];
  return spawn(process.execPath, args, {stdio: ['ignore', 'pipe', 'inherit']});
}

async function firstLine(child: ReturnType<typeof startHolder>): Promise<string> {
  const [data] = await once(child.stdout, 'data');
  return String(data).trim();
}

const ownerLine = (owner: object) =>
  `${JSON.stringify({started: '2026-01-01T00:00:00.000Z', birth: null, ...owner})}\n`;

describe("a run's lock", () => {
  it('is refused to a second process, which names the first, and taken over when that was killed', async () => {
    const folder = temporaryFolder();
    const first = startHolder(folder);
    expect(await firstLine(first)).toBe('locked');
    const second = await firstLine(startHolder(folder));
    expect(second).toMatch(/^usage .*LOCK: another trainer writes to this folder: process/);
    expect(second).toContain(`process ${first.pid} on ${hostname()}`);
    expect((await userErrorOf(acquireLock(folder))).exitCode).toBe(2);
    first.kill('SIGKILL');
    await once(first, 'exit');
    const lock = await acquireLock(folder);
    expect(JSON.parse(readFileSync(lock.path, 'utf8')).pid).toBe(process.pid);
    expect(readdirSync(folder)).toEqual(['LOCK']);
  });

  it('is free again after its release, and cannot be held twice', async () => {
    const folder = temporaryFolder();
    const lock = await acquireLock(folder);
    expect((await userErrorOf(acquireLock(folder))).message).toContain(`process ${process.pid}`);
    await lock.release();
    expect(existsSync(lock.path)).toBe(false);
    await (await acquireLock(folder)).release();
  });

  it('goes to exactly one of many that find a dead one at once, again and again', async () => {
    for (let round = 0; round < 20; round++) {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'LOCK'), ownerLine({pid: deadPid(), host: hostname()}));
      const outcomes = await Promise.allSettled(Array.from({length: 8}, () => acquireLock(folder)));
      expect(outcomes.filter(({status}) => status === 'fulfilled').length).toBe(1);
      expect(readdirSync(folder)).toEqual(['LOCK']);
    }
  });

  it('is taken over also from one who died as it took over another', async () => {
    const folder = temporaryFolder();
    for (const name of ['LOCK', 'LOCK.claim'])
      writeFileSync(join(folder, name), ownerLine({pid: deadPid(), host: hostname()}));
    const lock = await acquireLock(folder);
    expect(readdirSync(folder)).toEqual(['LOCK']);
    lock.releaseNow();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of another machine is respected, and the message says how to end it', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'LOCK'), ownerLine({pid: deadPid(), host: 'elsewhere'}));
    const error = await userErrorOf(acquireLock(folder));
    expect(error.kind).toBe('usage');
    expect(error.message).toContain('on elsewhere, since 2026-01-01T00:00:00.000Z');
    expect(error.message).toContain(`delete ${join(folder, 'LOCK')}`);
  });

  it('of a dead process whose number was given to a new one is taken over', async () => {
    const folder = temporaryFolder();
    writeFileSync(
      join(folder, 'LOCK'),
      ownerLine({pid: process.pid, host: hostname(), birth: 'another boot/1'}),
    );
    await (await acquireLock(folder)).release();
  });

  it.each(['', '{"pid":', 'null'])('that a crash left torn (%j) is taken over', async (text) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'LOCK'), text);
    await (await acquireLock(folder)).release();
  });

  it('is not released by one who lost it', async () => {
    const folder = temporaryFolder();
    const lock = await acquireLock(folder);
    writeFileSync(lock.path, ownerLine({pid: 1, host: 'elsewhere'}));
    await lock.release();
    expect(existsSync(lock.path)).toBe(true);
  });

  it('that cannot be written is a storage error', async () => {
    const ops = watchedOps(() => {
      throw systemError('EROFS');
    });
    expect((await userErrorOf(acquireLock(temporaryFolder(), ops))).kind).toBe('storage');
    expect((await userErrorOf(acquireLock(join(temporaryFolder(), 'none')))).kind).toBe('storage');
  });
});
