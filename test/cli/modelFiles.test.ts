/** @file `pose-model import`, `export` and `average` as a user runs them. */
import {writeFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {encodeSafetensors, readSafetensors} from '../../src/checkpoint/safetensors.js';
import {saveCheckpoint} from '../../src/checkpoint/save.js';
import type {StateDict} from '../../src/checkpoint/stateDict.js';
import {loadWeights} from '../../src/checkpoint/weights.js';
import {loadConfig} from '../../src/config/load.js';
import {selectBackend} from '../../src/engine/index.js';
import {buildModel} from '../../src/models/registry.js';
import {getStateDict} from '../../src/nn/stateDict.js';
import {floats} from '../checkpoint/builders.js';
import {runCommandLine} from './process.js';
import {RECIPE, TinyRun} from './tinyRun.js';

let folder: TinyRun;
/** The recipe's model with other weights than its own. */
let weights: StateDict;
beforeAll(async () => {
  folder = await TinyRun.create();
  await selectBackend({backend: 'cpu'});
  weights = getStateDict(buildModel(loadConfig(folder.at(RECIPE)).config.model, 17, 99));
});
afterAll(() => folder.remove());

const poseModel = (...args: string[]) => runCommandLine('pose-model', args, folder.path);
const write = (name: string, dict: StateDict) => writeFileSync(folder.at(name), encodeSafetensors(dict));

describe('pose-model import', () => {
  it('translates a file of MMPose’s, and the model takes it whole', async () => {
    const published = [...weights].map(
      ([name, tensor]) => [`${name.startsWith('final') ? 'head' : 'backbone'}.${name}`, tensor] as const,
    );
    write('mmpose.safetensors', new Map([...published, ['data_preprocessor.mean', floats(1)]]));
    const args = ['import', 'mmpose.safetensors', '--cfg', RECIPE, '--backend', 'cpu', '--out', 'imported'];
    const {code, stdout, stderr} = await poseModel(...args);
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    expect(stdout).toBe(`imported/model.safetensors: ${weights.size} arrays of HRNet for the model tiny\n`);
    const {tensors, metadata} = await readSafetensors(folder.at('imported/model.safetensors'));
    expect(tensors).toEqual(weights);
    expect(JSON.parse(metadata.get('model')!)).toMatchObject({name: 'tiny', input: [32, 32]});
    expect(JSON.parse(metadata.get('keypoints')!).names).toHaveLength(17);
  });

  it('lists what is left on both sides', async () => {
    const other: StateDict = new Map([
      ...weights,
      ['classifier.weight', floats(1)],
      ['stage4.9.x', floats(1)],
    ]);
    other.set('final_layer.bias', floats(1, 2));
    write('other.safetensors', other);
    const args = [
      'import',
      'other.safetensors',
      '--cfg',
      RECIPE,
      '--backend',
      'cpu',
      '--out',
      'o.safetensors',
    ];
    const {code, stdout} = await poseModel(...args);
    expect(code).toBe(0);
    expect(stdout.split('\n').slice(1)).toEqual([
      'in the file, and unknown (1):',
      '  classifier.weight',
      'in the file, and without a place in the model (2):',
      "  final_layer.bias [2] (the model's: [17])",
      '  stage4.9.x',
      'in the model, and not filled (1):',
      '  final_layer.bias',
      '',
    ]);
  });

  describe('of other families', () => {
    const BACKBONES = {
      resnet: '{type: resnet, layers: 50, channels: 4, deconvolution: [8, 8, 8]}',
      hourglass: '{type: hourglass, stacks: 2, channels: 8}',
    };
    const own: Record<string, StateDict> = {};

    beforeAll(() => {
      for (const [name, backbone] of Object.entries(BACKBONES)) {
        const text = `extends: ${RECIPE}\nmodel:\n  name: ${name}\n  input: [64, 64]\n  backbone: ${backbone}\n`;
        writeFileSync(folder.at(`${name}.yaml`), text);
        own[name] = getStateDict(buildModel(loadConfig(folder.at(`${name}.yaml`)).config.model, 17, 99));
      }
    });

    const imported = async (name: string, dict: StateDict) => {
      write('published.safetensors', dict);
      const args = ['--cfg', `${name}.yaml`, '--backend', 'cpu', '--out', 'o.safetensors'];
      const {code, stdout, stderr} = await poseModel('import', 'published.safetensors', ...args);
      expect({code, stderr}).toEqual({code: 0, stderr: ''});
      return {
        lines: stdout.trimEnd().split('\n'),
        tensors: (await readSafetensors(folder.at('o.safetensors'))).tensors,
      };
    };

    it("takes a SimpleBaseline of MMPose's whole", async () => {
      const names = [...own.resnet].map(([name, tensor]) => {
        const part = /^(deconv_layers|final_layer)/.test(name) ? 'head' : 'backbone';
        return [`${part}.${name}`, tensor] as const;
      });
      const {lines, tensors} = await imported('resnet', new Map(names));
      expect(lines).toEqual([
        `o.safetensors: ${own.resnet.size} arrays of SimpleBaseline for the model resnet`,
      ]);
      expect(tensors).toEqual(own.resnet);
    });

    it("fills the backbone from torchvision's ResNet, and lists the rest of the model", async () => {
      const body = [...own.resnet].filter(([name]) => !/^(deconv_layers|final_layer)/.test(name));
      const {lines, tensors} = await imported(
        'resnet',
        new Map([...body, ['fc.weight', floats(1)], ['fc.bias', floats(1)]]),
      );
      expect(tensors).toEqual(new Map(body));
      // Three deconvolutions with a normalisation of four arrays each, and the last layer.
      expect(lines[1]).toBe('in the model, and not filled (17):');
      expect(lines.slice(2).every((line) => /^ {2}(deconv_layers|final_layer)\./.test(line))).toBe(true);
    });

    it("takes Princeton's hourglass, and lists the projections that it does not use", async () => {
      const published = [...own.hourglass].map(([name, tensor]) => [`model.module.${name}`, tensor] as const);
      const idle = ['hgs.0.0.up1.skip_layer.conv.weight', 'hgs.0.0.up1.skip_layer.conv.bias'];
      const {lines, tensors} = await imported(
        'hourglass',
        new Map([...published, ...idle.map((name) => [`model.module.${name}`, floats(1)] as const)]),
      );
      expect(lines.slice(1)).toEqual([
        'in the file, and without a place in the model (2):',
        ...idle.map((name) => `  ${name}`),
      ]);
      expect(tensors).toEqual(own.hourglass);
    });
  });

  it('refuses a file of something else, and writes nothing', async () => {
    write('strange.safetensors', new Map([['encoder.weight', floats(1)]]));
    const {code, stdout, stderr} = await poseModel('import', 'strange.safetensors', '--out', 's.safetensors');
    expect({code, stdout}).toEqual({code: 7, stdout: ''});
    expect(stderr).toMatch(/^error: strange\.safetensors: is of no network that is known here/);
    expect(folder.exists('s.safetensors')).toBe(false);
  });
});

describe('pose-model export', () => {
  it('writes the averaged weights of a checkpoint where it has some, with what a reader must know', async () => {
    const {config} = loadConfig(folder.at(RECIPE));
    const state = {config: JSON.parse(JSON.stringify(config))};
    const ema = new Map([['conv1.weight', floats(5)]]);
    const model = new Map([['conv1.weight', floats(3)]]);
    const withAverage = await saveCheckpoint(folder.at('a'), 12, {model, ema, state});
    const without = await saveCheckpoint(folder.at('b'), 13, {model, state});
    const exported = async (path: string) => {
      const ended = await poseModel(
        'export',
        '--to',
        'safetensors',
        '--checkpoint',
        path,
        '--out',
        'e.safetensors',
      );
      expect(ended).toMatchObject({code: 0, stderr: ''});
      return readSafetensors(folder.at('e.safetensors'));
    };
    const averaged = await exported(withAverage);
    expect(averaged.tensors).toEqual(ema);
    expect(averaged.metadata.get('step')).toBe('12');
    expect(JSON.parse(averaged.metadata.get('model')!)).toMatchObject({name: 'tiny', weights: null});
    expect((await exported(without)).tensors).toEqual(model);
    expect(await loadWeights(folder.at('e.safetensors'))).toEqual(model);
  });
});

describe('pose-model average', () => {
  it('writes the mean of several', async () => {
    write('x.safetensors', new Map([['w', floats(1, 3)]]));
    write('y.safetensors', new Map([['w', floats(3, 5)]]));
    const ended = await poseModel('average', 'x.safetensors', 'y.safetensors', '--out', 'mean.safetensors');
    expect(ended).toMatchObject({
      code: 0,
      stdout: 'mean.safetensors: the mean of 2 checkpoints\n',
      stderr: '',
    });
    expect(await loadWeights(folder.at('mean.safetensors'))).toEqual(new Map([['w', floats(2, 4)]]));
  });

  it.each([
    [['average', 'x.safetensors', '--out', 'm'], /give at least two/],
    [['average', 'x.safetensors', 'y.safetensors'], /Missing required argument: out/],
    [['export', '--out', 'm'], /Missing required argument: checkpoint/],
    [['import', '--out', 'm'], /give one file/],
    [
      ['import', 'x.safetensors', 'seed=1', '--out', 'm'],
      /"seed=1" changes a configuration; give one by --cfg/,
    ],
  ])('and the others say what is missing (%j)', async (args, problem) => {
    const {code, stdout, stderr} = await poseModel(...args);
    expect({code, stdout}).toEqual({code: 2, stdout: ''});
    expect(stderr).toMatch(/^error: pose-model[^\n]+\n$/);
    expect(stderr).toMatch(problem);
  });
});
