import {mkdirSync} from 'node:fs';
import {join, relative} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {loadConfig} from '../../src/config/load.js';
import {UserError} from '../../src/errors.js';
import {ConfigFolder, SMALLEST} from './folder.js';

const folder = new ConfigFolder();
const base = folder.write('base.yaml', SMALLEST);
afterAll(() => folder.remove());

/** The error that loading ends with; the folder's name is shortened to `~`. */
function problemOf(file: string, overrides: string[] = []): string {
  try {
    loadConfig(file, overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exitCode).toBe(2);
    return (error as UserError).message.replaceAll(folder.path, '~');
  }
  throw new Error('loading was expected to fail');
}

/** The problem of a file that extends the base by these lines; they begin at line 2. */
function problemWith(lines: string): string {
  return problemOf(folder.write('x.yaml', `extends: base.yaml\n${lines}`));
}

describe('loadConfig', () => {
  it('fills in defaults', () => {
    const {config} = loadConfig(base);
    expect(config.model.input).toEqual([64, 32]);
    expect(config.train.optimizer).toEqual({
      type: 'adam',
      learningRate: 0.001,
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      momentum: 0.9,
      nesterov: false,
      weightDecay: 0,
      layerDecay: 1,
      groups: [],
    });
    expect(config.dataset.val.detections).toBeNull();
  });

  it('merges extended files in order, then the file, then the overrides', () => {
    folder.write('a.yaml', 'train: {epochs: 1, batchSize: 1, logEvery: 1, keepCheckpoints: 1}\n');
    folder.write('b.yaml', 'train: {batchSize: 2, logEvery: 2, keepCheckpoints: 2}\n');
    const file = folder.write(
      'c.yaml',
      'extends: [base.yaml, a.yaml, b.yaml]\ntrain: {logEvery: 3, keepCheckpoints: 3}\n',
    );
    const {config} = loadConfig(file, ['train.keepCheckpoints=4']);
    expect(config.train).toMatchObject({epochs: 1, batchSize: 2, logEvery: 3, keepCheckpoints: 4});
  });

  it('takes the files of extends relative to the file that says it', () => {
    mkdirSync(join(folder.path, 'deep/deeper'), {recursive: true});
    folder.write('deep/middle.yaml', 'extends: ../base.yaml\nseed: 5\n');
    const file = folder.write('deep/deeper/leaf.yaml', 'extends: ../middle.yaml\n');
    expect(loadConfig(file).config).toMatchObject({name: 'tiny', seed: 5});
  });

  it('replaces lists as a whole', () => {
    const file = folder.write('x.yaml', 'extends: base.yaml\ntrain: {schedule: {milestones: [7]}}\n');
    expect(loadConfig(file).config.train.schedule.milestones).toEqual([7]);
  });

  it('knows the line, or the override, that set every value', () => {
    const file = folder.write(
      'x.yaml',
      'extends: base.yaml\n\ntrain:\n  # a comment\n  epochs: 3\n  schedule:\n    gamma: 0.5\n',
    );
    const {sources} = loadConfig(file, ['train.batchSize=4']);
    expect(sources.get('train.epochs')).toBe(`${file}:5`);
    expect(sources.get('train.schedule.gamma')).toBe(`${file}:7`);
    expect(sources.get('model.head.sigma')).toBe(`${base}:10`);
    expect(sources.get('train.batchSize')).toBe('"train.batchSize=4"');
    expect(sources.get('train.logEvery')).toBeUndefined();
  });

  it('names extended files as seen from the working folder', () => {
    const recipe = join(import.meta.dirname, '../../experiments/coco/hrnet_w32.yaml');
    const {sources} = loadConfig(relative(process.cwd(), recipe));
    expect(sources.get('model.head.sigma')).toMatch(/^configs\/models\/hrnet_w32\.yaml:\d+$/);
  });

  it('accepts a byte order mark, CRLF and references within the file', () => {
    const lines = ['extends: base.yaml', 'train:', '  schedule: &again {milestones: [3, 4]}', '  epochs: 5'];
    const file = folder.write('x.yaml', `\ufeff${lines.join('\r\n')}\r\n`);
    expect(loadConfig(file).config.train.epochs).toBe(5);
    const referring = folder.write(
      'y.yaml',
      SMALLEST.replace('train: {', 'train: &split {').replace(/val: \{.*/, 'val: *split'),
    );
    expect(loadConfig(referring).config.dataset.val.annotations).toBe('train.json');
  });
});

describe('a configuration file that is wrong', () => {
  const cases: [what: string, lines: string, problem: string][] = [
    [
      'a misspelt key',
      'model:\n  head:\n    sigmaa: 3\n',
      '~/x.yaml:4: unknown key "model.head.sigmaa"; did you mean "model.head.sigma"?',
    ],
    [
      'a misspelt key after CRLF',
      'seed: 1\r\ntrain:\r\n  epoch: 1\r\n',
      '~/x.yaml:4: unknown key "train.epoch"; did you mean "train.epochs"?',
    ],
    [
      'a key in the wrong section',
      'model: {sigma: 3}\n',
      '~/x.yaml:2: unknown key "model.sigma"; did you mean "model.head.sigma"?',
    ],
    [
      'a key in another convention',
      'train:\n  batch_size: 3\n',
      '~/x.yaml:3: unknown key "train.batch_size"; did you mean "train.batchSize"?',
    ],
    [
      'a key unlike all others',
      'train: {optimizer: {lr: 1}}\n',
      '~/x.yaml:2: unknown key "train.optimizer.lr"; "train.optimizer" has type, learningRate, betas, epsilon, momentum, nesterov, weightDecay, layerDecay, groups.',
    ],
    [
      'a key with dots',
      'model.head.sigma: 3\n',
      '~/x.yaml:2: unknown key "model.head.sigma"; dots are for the command line. Write a section in a file.',
    ],
    ['__proto__', 'train:\n  __proto__: {epochs: 1}\n', '~/x.yaml:3: unknown key "train.__proto__".'],
    ['__proto__ in quotes', '"__proto__": {name: x}\n', '~/x.yaml:2: unknown key "__proto__".'],
    [
      'constructor',
      'constructor: {prototype: 1}\n',
      '~/x.yaml:2: unknown key "constructor"; did you mean "distill.method.weights.reconstruction"?',
    ],
    ['a duplicate key', 'seed: 1\nname: a\nseed: 2\n', '~/x.yaml:4: duplicated mapping key.'],
    [
      'a number in quotes',
      'train:\n  optimizer:\n    learningRate: "1e-3"\n',
      '~/x.yaml:4: "train.optimizer.learningRate" is "1e-3": expected number, received string. Numbers stand without quotes.',
    ],
    [
      'a number with its unit',
      'train:\n  epochs: 210 epochs\n',
      '~/x.yaml:3: "train.epochs" is "210 epochs": expected number, received string.',
    ],
    [
      'yes for true',
      'eval: {flipTest: yes}\n',
      '~/x.yaml:2: "eval.flipTest" is "yes": expected boolean, received string. Write true or false, without quotes.',
    ],
    [
      'a number for a name',
      'name: 2026\n',
      '~/x.yaml:2: "name" is 2026: expected string, received number. Put it in quotes to make it text.',
    ],
    [
      'a fraction for a whole number',
      'train: {batchSize: 1.5}\n',
      '~/x.yaml:2: "train.batchSize" is 1.5: expected int, received number.',
    ],
    [
      'a negative number',
      'train: {batchSize: -4}\n',
      '~/x.yaml:2: "train.batchSize" is -4: Too small: expected number to be >0.',
    ],
    [
      'infinity',
      'train: {optimizer: {epsilon: .inf}}\n',
      '~/x.yaml:2: "train.optimizer.epsilon" is Infinity: expected number, received Infinity.',
    ],
    [
      'a value for a section',
      'model: hrnet\n',
      '~/x.yaml:2: "model" is "hrnet": expected object, received string.',
    ],
    ['a section without content', 'train:\n', '~/x.yaml:2: "train" is null: expected object, received null.'],
    [
      'an unknown choice',
      'device: gpu\n',
      '~/x.yaml:2: "device" is "gpu": expected one of "auto"|"cpu"|"cuda".',
    ],
    [
      'a list that is too short',
      'model:\n  input: [256]\n',
      '~/x.yaml:3: "model.input" is [256]: Too small: expected array to have >=2 items.',
    ],
    [
      'an input that HRNet cannot halve',
      'model:\n  input: [250, 192]\n',
      '~/x.yaml:3: "model.input" is [250,192]: expected multiples of 32 (height, width).',
    ],
    [
      'an input that an hourglass cannot halve',
      'model:\n  input: [256, 160]\n  backbone:\n    type: hourglass\n    stacks: 2\n',
      '~/x.yaml:3: "model.input" is [256,160]: expected multiples of 64 (height, width).',
    ],
    [
      'a key of another kind of backbone',
      'model:\n  backbone:\n    layers: 50\n',
      '~/x.yaml:4: "model.backbone.layers" belongs to another "model.backbone.type".',
    ],
    [
      'an unknown backbone',
      'model: {backbone: {type: resnext}}\n',
      '~/x.yaml:2: "model.backbone.type" is "resnext": expected hrnet, resnet, hourglass or cspnext.',
    ],
    [
      'a branch without its width',
      'model:\n  backbone:\n    stage3:\n      channels: [4, 8]\n',
      '~/x.yaml:5: "model.backbone.stage3.channels" is [4,8]: expected 3 numbers, one for each branch.',
    ],
    [
      'milestones that go back',
      'train: {schedule: {milestones: [200, 170]}}\n',
      '~/x.yaml:2: "train.schedule.milestones" is [200,170]: expected ascending epochs.',
    ],
    [
      'an even kernel',
      'model: {head: {finalConvKernel: 2}}\n',
      '~/x.yaml:2: "model.head.finalConvKernel" is 2: expected an odd number.',
    ],
    ['a tab', 'train:\n\tepochs: 1\n', '~/x.yaml:3: tab characters must not be used in indentation.'],
    ['a bracket that stays open', 'train: {epochs: 1\nseed: 2\n', '~/x.yaml:3: deficient indentation.'],
    [
      'a second document',
      '---\nseed: 1\n',
      '~/x.yaml: expected a single document in the stream, but found more.',
    ],
    [
      'a tag that would run code',
      'name: !!js/function "() => 1"\n',
      '~/x.yaml:2: unknown scalar tag !<tag:yaml.org,2002:js/function>.',
    ],
    [
      'a merge key',
      'train: {<<: {epochs: 2}}\n',
      '~/x.yaml:2: unknown key "train.<<"; "train" has epochs, batchSize, accumulate, clipGradNorm, precision, shuffle, optimizer, schedule, ema, onNonFinite, evaluateEvery, logEvery, checkpointEvery, keepCheckpoints, pictures.',
    ],
    [
      'a section that contains itself',
      'model: &all\n  head: *all\n',
      '~/x.yaml:3: "*all" refers to a value that it is part of.',
    ],
    [
      'a list that contains itself',
      'train:\n  schedule:\n    milestones: &list\n      - *list\n',
      '~/x.yaml:5: "*list" refers to a value that it is part of.',
    ],
  ];

  it.each(cases)('is refused for %s, with file, line and key', (_, lines, problem) => {
    expect(problemWith(lines)).toBe(problem);
  });

  it('is told everything that is wrong with it at once', () => {
    const problem = problemWith('sead: 1\ntrain:\n  epochs: many\n  batchsize: 3\n');
    expect(problem.split('\n').sort()).toEqual([
      '~/x.yaml:2: unknown key "sead"; did you mean "seed"?',
      '~/x.yaml:4: "train.epochs" is "many": expected number, received string.',
      '~/x.yaml:5: unknown key "train.batchsize"; did you mean "train.batchSize"?',
    ]);
  });

  it('is told what is missing', () => {
    const file = folder.write('x.yaml', SMALLEST.replace('name: tiny\n', ''));
    expect(problemOf(file)).toBe('~/x.yaml: "name" is missing.');
    const inner = folder.write('x.yaml', SMALLEST.replace('    type: hrnet\n', ''));
    expect(problemOf(inner)).toBe('~/x.yaml:5: "model.backbone.type" is missing.');
  });

  it('is refused if it is no mapping', () => {
    expect(problemOf(folder.write('x.yaml', 'just words'))).toBe(
      '~/x.yaml: the file must be a mapping of keys to values.',
    );
    expect(problemOf(folder.write('x.yaml', ''))).toBe(
      '~/x.yaml: expected a document, but the input is empty.',
    );
  });

  it('is refused if it is not UTF-8', () => {
    const latin = Buffer.from('name: M\u00fcller', 'latin1');
    expect(problemOf(folder.write('x.yaml', latin))).toBe('~/x.yaml: is not UTF-8 text. Save it as UTF-8.');
  });

  it('is refused within 100 ms if its references would grow without bound', () => {
    const level = (name: string, below: string) =>
      `${name}: &${name} [${Array(9).fill(`*${below}`).join(', ')}]\n`;
    const lines = ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']
      .map((name, i) => level(name, 'abcdefgh'[i]))
      .join('');
    const start = performance.now();
    expect(problemWith(`a: &a [1, 1]\n${lines}`)).toMatch(/^~\/x\.yaml:\d+: aliases exceeded maxAliases/);
    expect(performance.now() - start).toBeLessThan(100);
  });

  it('quotes no more of a long value than one can read', () => {
    expect(problemWith(`seed: [${Array(500).fill(1).join(', ')}]\n`).length).toBeLessThan(200);
  });

  it('leaves all objects of the process as they were', () => {
    problemWith('__proto__: {polluted: 1}\n');
    problemOf(base, ['model={__proto__: {polluted: 1}}']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('files that are not there', () => {
  it('are named', () => {
    expect(problemOf(join(folder.path, 'nowhere.yaml'))).toBe('~/nowhere.yaml: there is no such file.');
    expect(problemOf(folder.path)).toBe('~: it cannot be read (EISDIR).');
  });

  it('are named with the line that extends them', () => {
    const file = folder.write('x.yaml', 'seed: 1\nextends:\n  - base.yaml\n  - bse.yaml\n');
    expect(problemOf(file)).toBe('~/x.yaml:4: "extends" names ~/bse.yaml: there is no such file.');
  });

  it('cannot be something else than file names', () => {
    const file = folder.write('x.yaml', 'extends:\n  - base.yaml\n  - 3\n');
    expect(problemOf(file)).toBe('~/x.yaml:3: "extends" must be a file or a list of files.');
    expect(problemOf(folder.write('x.yaml', 'extends:\n'))).toMatch(/^~\/x\.yaml:1: "extends" must be/);
  });

  it('are named also if they are the working folder itself', () => {
    const file = folder.write('x.yaml', `extends: ${process.cwd()}\n`);
    expect(problemOf(file)).toBe(`${process.cwd()}: it cannot be read (EISDIR).`);
  });
});

describe('a backbone of another type', () => {
  it('takes the place of the one before it, and of where that came from', () => {
    const file = folder.write(
      'x.yaml',
      'extends: base.yaml\nmodel:\n  backbone: {type: resnet, layers: 18}\n',
    );
    const {config, sources} = loadConfig(file, ['model.backbone.channels=8']);
    expect(config.model.backbone).toEqual({
      ...{type: 'resnet', layers: 18, channels: 8},
      deconvolution: [256, 256, 256],
    });
    const below = [...sources.keys()].filter((key) => key.startsWith('model.backbone.'));
    expect(below.sort()).toEqual(['channels', 'layers', 'type'].map((key) => `model.backbone.${key}`));
  });

  it('may come from the command line, with what it needs', () => {
    const file = folder.write('x.yaml', SMALLEST);
    const overrides = ['model.backbone.type=hourglass', 'model.backbone.stacks=2', 'model.input=[64, 64]'];
    expect(loadConfig(file, overrides).config.model.backbone).toEqual({
      ...{type: 'hourglass', stacks: 2, channels: 256},
    });
    expect(() => loadConfig(file, overrides.slice(0, 1))).toThrow('"model.backbone.stacks" is missing.');
  });
});

describe('a head of another type', () => {
  it('takes the place of the one before it, and of where that came from', () => {
    const file = folder.write('x.yaml', 'extends: base.yaml\nmodel:\n  head: {type: simcc, sigma: [4, 5]}\n');
    const {config, sources} = loadConfig(file, ['model.head.beta=2']);
    expect(config.model.head).toEqual({
      ...{type: 'simcc', splitRatio: 2, sigma: [4, 5], beta: 2, labelBeta: null},
    });
    expect(sources.get('model.head.sigma')).toMatch(/x\.yaml:3$/);
  });

  it('is refused on stacked hourglasses, which are supervised by heatmaps', () => {
    const file = folder.write(
      'x.yaml',
      'extends: base.yaml\nmodel:\n  input: [64, 64]\n  backbone: {type: hourglass, stacks: 2}\n  head: {type: rtmcc}\n',
    );
    expect(problemOf(file)).toBe(
      '~/x.yaml:5: "model.head.type" is "rtmcc": stacked hourglasses are supervised by heatmaps, for which rtmcc has no ' +
        'targets; expected heatmap, or model.backbone.stacks=1.',
    );
    expect(loadConfig(file, ['model.backbone.stacks=1']).config.model.head.type).toBe('rtmcc');
  });
});

describe('files that extend each other', () => {
  beforeAll(() => {
    folder.write('one.yaml', 'extends: two.yaml\n');
    folder.write('two.yaml', 'seed: 1\nextends: one.yaml\n');
  });

  it('are refused with the whole circle', () => {
    expect(problemOf(join(folder.path, 'one.yaml'))).toBe(
      '~/two.yaml:2: "extends" comes back to where it began: ~/one.yaml -> ~/two.yaml -> ~/one.yaml.',
    );
  });

  it('may share a file that both extend', () => {
    folder.write('left.yaml', 'extends: base.yaml\nseed: 1\n');
    folder.write('right.yaml', 'extends: base.yaml\nthreads: 2\n');
    const file = folder.write('x.yaml', 'extends: [left.yaml, right.yaml]\n');
    expect(loadConfig(file).config).toMatchObject({seed: 1, threads: 2});
  });
});
