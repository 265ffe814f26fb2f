/** @file Threads that die and disks that hang, in real processes: nothing changes, or an error that names the file. */
import {execFileSync} from 'node:child_process';
import {copyFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {PACKAGE_ROOT} from '../../../src/packagePaths.js';
import {type Ended, startNode} from '../../cli/process.js';
import {annotation, CocoFolder, content} from '../cocoFolder.js';

const FAULTS = join(PACKAGE_ROOT, 'test', 'data', 'loader', 'faults');
let folder: CocoFolder;
let undisturbed: string;
beforeAll(async () => {
  folder = await CocoFolder.create();
  const people = Array.from({length: 12}, (_, i) =>
    annotation(i + 1, 1 + (i % 2), {bbox: [2 * i, i, 30, 30]}),
  );
  await folder.write('annotations.json', {...content(), annotations: people});
  undisturbed = (await load({workers: 0})).stdout;
});
afterAll(() => folder.remove());

interface Fault {
  readonly kind: string;
  readonly times: number;
}

/** Two epochs of four batches in a process of their own. */
function load(options: Record<string, unknown>, {kind, times}: Fault = {kind: '', times: 0}): Promise<Ended> {
  const log = join(folder.root, 'faults.log');
  writeFileSync(log, '');
  const harm = ['--max-old-space-size=120', '--import', join(FAULTS, 'fault.mjs')];
  const settings = JSON.stringify({root: folder.root, ...options});
  const args = [...harm, join(FAULTS, 'driver.mjs'), join(PACKAGE_ROOT, 'dist'), settings];
  const environment = {FAULT: kind, FAULT_TIMES: String(times), FAULT_FILE: 'two.png', FAULT_LOG: log};
  return startNode(args, folder.root, environment).ended;
}

describe('threads', () => {
  it.each([
    ['throw', 4, 3],
    ['exit', 2, 3],
    ['terminate', 2, 3],
    ['memory', 1, 2],
  ])('that end by "%s" (%i at work, %i times) change nothing', async (kind, workers, times) => {
    const {code, stdout, stderr} = await load({workers}, {kind, times});
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    expect(JSON.parse(stdout)).toHaveLength(8);
    expect(stdout).toBe(undisturbed);
  });

  it.each(['exit', 'throw'])(
    'that end by "%s" whenever they read one image stop the run with 8 and name it',
    async (kind) => {
      const {code, stderr} = await load({workers: 2, batchSize: 1}, {kind, times: 1000});
      expect(code).toBe(8);
      expect(stderr).toMatch(/^error: A loader thread died 4 times over the same batch/);
      expect(stderr).toContain(join(folder.root, 'images', 'two.png'));
    },
  );
});

describe('a disk', () => {
  it.each([0, 2])('that is slow changes nothing, with %i threads', async (workers) => {
    const {code, stdout} = await load({workers, timeoutSeconds: 2}, {kind: 'slow', times: 3});
    expect(code).toBe(0);
    expect(stdout).toBe(undisturbed);
  });

  it.each([
    [0, 'The main thread'],
    [2, 'Loader thread \\d+'],
  ])(
    'that never answers stops the run with 8, with %i threads, and names file and thread',
    async (workers, who) => {
      const {code, stderr} = await load(
        {workers, batchSize: 1, timeoutSeconds: 1},
        {kind: 'hang', times: 1000},
      );
      expect(code).toBe(8);
      expect(stderr).toMatch(new RegExp(`^error: ${who} was at .*two\\.png\\. It has not got on for 1 s`));
    },
  );

  it('that holds a thread in a system call for ever ends the process all the same', async () => {
    const image = join(folder.root, 'images', 'two.png');
    copyFileSync(image, `${image}.kept`);
    rmSync(image);
    // Reading a pipe into which nobody writes is a call that does not return.
    execFileSync('mkfifo', [image]);
    const {code, stderr} = await load({workers: 1, batchSize: 1, timeoutSeconds: 1});
    expect(stderr).toMatch(/two\.png\. It has not got on for 1 s/);
    // Node waits for its threads at the end, so the process is killed.
    expect(code).toBeNull();
    rmSync(image);
    copyFileSync(`${image}.kept`, image);
  });
});
