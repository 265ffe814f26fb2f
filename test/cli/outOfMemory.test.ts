import {spawnSync} from 'node:child_process';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {compiledModule} from '../../src/packagePaths.js';
import {launcher, runNode} from './process.js';
import {RECIPE, TinyRun} from './tinyRun.js';

let folder: TinyRun;
beforeAll(async () => {
  folder = await TinyRun.create();
});
afterAll(() => folder.remove());

/** Runs a command that does this on a backend, beside a tensor of 4 KiB. */
function runMain(backend: string, body: string, ...args: string[]) {
  const program = `
    import * as tf from '${import.meta.resolve('@tensorflow/tfjs')}';
    import {runCommand} from '${compiledModule('cli/command')}';
    import {selectBackend} from '${compiledModule('engine/index')}';
    await runCommand(async () => {
      await selectBackend({backend: '${backend}', threads: 1});
      tf.ones([1024]);
      ${body}
    });`;
  return runNode(['--input-type=module', '--eval', program, '--', ...args], folder.path);
}

const ENDING =
  /; tensors held beside the failed step: 1 \(4 KiB\); the process held [\d.]+ [MG]iB at most\. Use a smaller train\.batchSize, .*\.\n$/;

describe('memory that is not to be had', () => {
  it.each([
    ['an operator', 'torch', 'tf.fill([2 ** 40], 1);', 'aten::full asked for 4 TiB and did not get it'],
    [
      'an array',
      'cpu',
      'tf.zeros([2 ** 40]);',
      'An array asked for more memory than there is (Invalid typed',
    ],
    [
      'an operator of a GPU',
      'cpu',
      `const message = 'aten::relu: CUDA out of memory. Tried to allocate 2.50 GiB (GPU 0; 8 GiB in all)';
       throw Object.assign(new Error(message), {code: 'ERR_OUT_OF_MEMORY'});`,
      'aten::relu asked for 2.50 GiB and did not get it',
    ],
    [
      'a container',
      'cpu',
      `throw Object.assign(new Error('bad_alloc: not enough memory'), {code: 'ERR_OUT_OF_MEMORY'});`,
      'An array asked for more memory than there is (bad_alloc: not enough memory)',
    ],
  ])('ends a command with 5 and one paragraph when %s asks for it', async (_, backend, body, request) => {
    const {code, stdout, stderr} = await runMain(backend, body);
    expect({code, stdout}).toEqual({code: 5, stdout: ''});
    expect(stderr.startsWith(`error: out of memory: ${request}`), stderr).toBe(true);
    expect(stderr).toMatch(ENDING);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('is told with its stack and its cause with --verbose', async () => {
    const {code, stderr} = await runMain('torch', 'tf.fill([2 ** 40], 1);', '--verbose');
    expect(code).toBe(5);
    expect(stderr).toMatch(/^error: out of memory: .*\n(.*\n)*\s+at /);
  });

  it('is not what a length that makes no sense is called', async () => {
    const {code, stderr} = await runMain('cpu', 'new Float32Array(-1);');
    expect(code).toBe(70);
    expect(stderr).toContain('this is a bug');
  });

  it.runIf(process.platform === 'linux')('ends a training that outgrows its limit', () => {
    const train = `"${process.execPath}" "${launcher('pose-train')}" --cfg ${RECIPE} --dry-run`;
    // Threads, of which some libraries start one for each core, take addresses too: the limit leaves room for those.
    const overrides = 'model.input=[2048,2048] loader.workers=0 train.pictures=false';
    const line = `ulimit -v ${8 * 1024 ** 2}; ${train} ${overrides}`;
    const {status, stderr} = spawnSync('bash', ['-c', line], {cwd: folder.path, encoding: 'utf8'});
    expect(stderr).toMatch(
      /^error: out of memory: \w+::\w+ asked for .* and did not get it; with train\.batchSize=2, model\.input=\[2048,2048\]/,
    );
    expect(status).toBe(5);
  });
});
