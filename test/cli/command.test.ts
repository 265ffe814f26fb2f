import {spawnSync} from 'node:child_process';
import {cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeEach, describe, expect, it} from 'vitest';
import {EXIT_CODES} from '../../src/errors.js';
import {compiledModule, PACKAGE_ROOT} from '../../src/packagePaths.js';
import {launcher, runCommandLine, runNode} from './process.js';

const folder = mkdtempSync(join(tmpdir(), 'command-'));
const recipe = join(PACKAGE_ROOT, 'experiments/coco/hrnet_w32.yaml');
const COMMANDS = ['pose-train', 'pose-eval', 'pose-data', 'pose-model'];

beforeEach(() => {
  rmSync(folder, {recursive: true});
  mkdirSync(folder);
});
afterAll(() => rmSync(folder, {recursive: true}));

/** Runs a command that does this and nothing else. */
function runMain(body: string, ...args: string[]) {
  const program = `
    import {runCommand} from '${compiledModule('cli/command')}';
    import {UserError} from '${compiledModule('errors')}';
    await runCommand(async () => { ${body} });`;
  return runNode(['--input-type=module', '--eval', program, '--', ...args], folder);
}

describe('every command', () => {
  it.each(COMMANDS)('%s explains itself with --help, with an example', async (name) => {
    const {code, stdout, stderr} = await runCommandLine(name, ['--help'], folder);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain(`${name} `);
    expect(stdout).toMatch(/--verbose/);
    expect(stdout).toMatch(new RegExp(`^Examples:\\n {2}${name} `, 'm'));
  });

  it.each(COMMANDS)('%s refuses an option that it does not know', async (name) => {
    const {code, stdout, stderr} = await runCommandLine(name, ['--cfg', recipe, '--bogus'], folder);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: .*\n$/);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it.each(['pose-train', 'pose-eval'])('%s needs to be told what to do', async (name) => {
    const {code, stderr} = await runCommandLine(name, [], folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .*cfg.*\n$/);
  });

  it.each(COMMANDS)('%s says what to run when the package is not built', async (name) => {
    cpSync(join(PACKAGE_ROOT, 'bin'), join(folder, 'bin'), {recursive: true});
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
    const {code, stderr} = await runNode([join(folder, 'bin', `${name}.js`), '--help'], folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .*Run "npm run setup" first\.\n$/);
  });
});

describe('a configuration that is wrong', () => {
  const cases: [args: string[], problem: string][] = [
    [['--cfg', 'nowhere.yaml'], 'error: nowhere.yaml: there is no such file.\n'],
    [['--cfg', 'first.yaml', '--cfg', 'last.yaml'], 'error: last.yaml: there is no such file.\n'],
    [['--cfg'], 'error: pose-train: Not enough arguments following: cfg. See "pose-train --help".\n'],
    [
      ['--cfg', recipe, '--seed', 'one'],
      'error: "seed=one": "seed" is "one": expected number, received string.\n',
    ],
    [
      ['--cfg', 'x.yaml'],
      'error: x.yaml:2: unknown key "model.head.sigmaa"; did you mean "model.head.sigma"?\n',
    ],
    [
      ['--cfg', recipe, 'train.batchsize=3'],
      'error: "train.batchsize=3": unknown key "train.batchsize"; did you mean "train.batchSize"?\n',
    ],
    [
      ['--cfg', recipe, '--device', 'tpu'],
      'error: "device=tpu": "device" is "tpu": expected one of "auto"|"cpu"|"cuda".\n',
    ],
    [
      ['--cfg', recipe, '16'],
      'error: "16": overrides are written as key=value, for example train.batchSize=16.\n',
    ],
  ];

  it.each(cases)(
    'ends the command with 2 and one paragraph, and nothing is made (%j)',
    async (args, problem) => {
      writeFileSync(join(folder, 'x.yaml'), `extends: ${recipe}\nmodel: {head: {sigmaa: 3}}\n`);
      const {code, stdout, stderr} = await runCommandLine('pose-train', args, folder);
      expect({code, stdout, stderr}).toEqual({code: 2, stdout: '', stderr: problem});
      expect(readdirSync(folder)).toEqual(['x.yaml']);
    },
  );
});

describe('pose-train --print-config', () => {
  it('shows the values of overrides and of the options that stand for them, and makes nothing', async () => {
    const args = [
      '--cfg',
      recipe,
      '--print-config',
      '--seed',
      '7',
      'train.batchSize=16',
      'model.head.sigma=3',
    ];
    const {code, stdout, stderr} = await runCommandLine('pose-train', args, folder);
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    expect(stdout).toMatch(/^seed: 7 +# "seed=7"$/m);
    expect(stdout).toMatch(/^ {2}batchSize: 16 +# "train\.batchSize=16"$/m);
    expect(stdout).toMatch(/^ {4}sigma: 3 +# "model\.head\.sigma=3"$/m);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('ends quietly when its reader has gone', () => {
    const line = `"${process.execPath}" "${launcher('pose-train')}" --cfg "${recipe}" --print-config | true; exit \${PIPESTATUS[0]}`;
    const {status, stderr} = spawnSync('bash', ['-c', line], {encoding: 'utf8'});
    expect({status, stderr}).toEqual({status: 0, stderr: ''});
  });
});

describe('runCommand', () => {
  const kinds = Object.entries(EXIT_CODES).filter(([kind]) => kind !== 'done' && kind !== 'bug');

  it.each(kinds)('ends with the exit code of a %s error, and its message alone', async (kind, exitCode) => {
    const ended = await runMain(`throw new UserError('${kind}', 'a.yaml:3: mend this.');`);
    expect(ended).toEqual({code: exitCode, stdout: '', stderr: 'error: a.yaml:3: mend this.\n'});
  });

  it('adds the stack with --verbose', async () => {
    const {code, stderr} = await runMain(`throw new UserError('data', 'mend this.');`, '--verbose');
    expect(code).toBe(3);
    expect(stderr).toMatch(/^error: mend this\.\n(.*\n)*\s+at /);
  });

  it.each([
    ['thrown', `throw new TypeError('oops');`],
    ['thrown later', `await new Promise(() => setTimeout(() => { throw new TypeError('oops'); }));`],
    [
      'rejected by a promise that nobody awaits',
      `Promise.reject(new TypeError('oops')); await new Promise(() => setTimeout(() => {}, 1e4));`,
    ],
  ])('calls an error that is %s a bug, with its stack', async (_, body) => {
    const {code, stdout, stderr} = await runMain(body);
    expect({code, stdout}).toEqual({code: 70, stdout: ''});
    expect(stderr).toMatch(/^error: this is a bug.*\nTypeError: oops\n\s+at /);
  });

  it('ends with the exit code that the command returns', async () => {
    expect((await runMain('return 143;')).code).toBe(143);
    expect((await runMain('return undefined;')).code).toBe(0);
  });
});
