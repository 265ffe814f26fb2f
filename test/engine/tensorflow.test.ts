import {cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';
import {runNode} from '../cli/process.js';

/** A copy of the compiled program whose packages the test chooses. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tensorflow-'));
  cpSync(join(PACKAGE_ROOT, 'dist'), join(folder, 'dist'), {recursive: true});
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  mkdirSync(join(folder, 'node_modules/@tensorflow'), {recursive: true});
  symlinkSync(
    join(PACKAGE_ROOT, 'node_modules/@tensorflow/tfjs'),
    join(folder, 'node_modules/@tensorflow/tfjs'),
  );
});
afterEach(() => rmSync(folder, {recursive: true}));

/** A package that does what the real one does at its start, on TensorFlow.js's plain backend. */
function install(name: string, {onGpu = false} = {}): void {
  write(
    name,
    `const tf = require('@tensorflow/tfjs');
    tf.registerBackend('tensorflow', () => Object.assign(tf.findBackendFactory('cpu')(), {
      isUsingGpuDevice: ${onGpu},
    }));
    for (const kernel of tf.getKernelsForBackend('cpu')) {
      tf.registerKernel({...kernel, backendName: 'tensorflow'});
    }
    module.exports = {...tf, version: {...tf.version, 'tfjs-node': '4.99.0', 'tfjs-core': '4.98.0'}};`,
  );
}

function write(name: string, text: string): void {
  const path = join(folder, 'node_modules/@tensorflow', name);
  mkdirSync(path, {recursive: true});
  writeFileSync(join(path, 'index.js'), text);
}

/** What a program sees that chooses the backend and adds one and one. */
async function select(device = 'auto') {
  const program = `
    import * as tf from '@tensorflow/tfjs';
    import {selectBackend} from './dist/engine/index.js';
    const info = await selectBackend({backend: 'tensorflow', device: '${device}', threads: 3}).catch((error) => {
      process.stdout.write(error.name + ' ' + error.kind + ': ' + error.message);
      process.exit(1);
    });
    const sum = (await tf.add(tf.scalar(1), 1).data())[0];
    process.stdout.write(JSON.stringify({info, sum, backend: tf.getBackend(), threads: process.env.TF_NUM_INTRAOP_THREADS}));`;
  const {code, stdout, stderr} = await runNode(['--input-type=module', '--eval', program], folder);
  expect(stderr).toBe('');
  expect(code).toBe(stdout.startsWith('{') ? 0 : 1);
  return stdout.startsWith('{') ? JSON.parse(stdout) : stdout;
}

describe('the backend tensorflow', () => {
  it('names the package to install, and the other backends, when there is none', async () => {
    const message = await select();
    expect(message).toMatch(/^UserError usage: backend: tensorflow needs a package that is not installed\. /);
    expect(message).toMatch(
      /Run "npm install @tensorflow\/tfjs-node@4\.\S+" \(@tensorflow\/tfjs-node-gpu for a GPU\)/,
    );
    expect(message).toMatch(/backend=torch .* or backend=cpu /);
  });

  it('is that of the package, once that is installed', async () => {
    install('tfjs-node');
    expect(await select()).toEqual({
      info: {backend: 'tensorflow', device: 'cpu', engine: '@tensorflow/tfjs-node 4.99.0', threads: 3},
      sum: 2,
      backend: 'tensorflow',
      threads: '3',
    });
  });

  it('prefers the package for GPUs, and says whether it uses one', async () => {
    install('tfjs-node');
    install('tfjs-node-gpu', {onGpu: true});
    const {info} = await select('cuda');
    expect(info).toMatchObject({device: 'cuda', engine: '@tensorflow/tfjs-node-gpu 4.99.0'});
  });

  it('refuses device=cuda where the package finds no GPU', async () => {
    install('tfjs-node-gpu');
    expect(await select('cuda')).toBe(
      'UserError usage: device: @tensorflow/tfjs-node-gpu found no GPU that it can use; set device=cpu or device=auto.',
    );
  });

  it('says why a package that is there does not load', async () => {
    write('tfjs-node', `throw new Error('The native addon module can not be found. \\nPlease rebuild.');`);
    const message = await select();
    expect(message).toMatch(
      /^UserError usage: backend: @tensorflow\/tfjs-node is installed but does not load: The native/,
    );
    expect(message).toMatch(/can not be found\. Run "npm rebuild @tensorflow\/tfjs-node --build/);
  });

  it('refuses a package that brought a copy of TensorFlow.js of its own', async () => {
    const original = JSON.stringify(join(PACKAGE_ROOT, 'node_modules/@tensorflow/tfjs'));
    write(
      'tfjs-node/node_modules/@tensorflow/tfjs',
      `module.exports = {...require(${original}), Tensor: class Tensor {}};`,
    );
    install('tfjs-node');
    const message = await select();
    expect(message).toMatch(
      /^UserError usage: backend: @tensorflow\/tfjs-node brought a copy of TensorFlow\.js of its own \(4\.98\.0\)/,
    );
    expect(message).toMatch(/npm install @tensorflow\/tfjs-node@4\.\d+\.\d+\.$/);
  });
});
