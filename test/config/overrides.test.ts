import {dump} from 'js-yaml';
import {afterAll, describe, expect, it} from 'vitest';
import {z} from 'zod';
import {CONFIG_KEYS} from '../../src/config/keys.js';
import {loadConfig} from '../../src/config/load.js';
import {type Config, configSchema} from '../../src/config/schema.js';
import {UserError} from '../../src/errors.js';
import {ConfigFolder, SMALLEST} from './folder.js';

const folder = new ConfigFolder();
const base = folder.write('base.yaml', SMALLEST);
afterAll(() => folder.remove());

/** A file for each kind of backbone, of head and of distillation. */
const BASES: Readonly<Record<string, string>> = {
  hrnet: base,
  resnet: folder.write('resnet.yaml', withBackbone('{type: resnet, layers: 18}')),
  hourglass: folder.write('hourglass.yaml', withBackbone('{type: hourglass, stacks: 1}', '[128, 64]')),
  cspnext: folder.write('cspnext.yaml', withBackbone('{type: cspnext}')),
  heatmap: base,
  rdpose: folder.write('rdpose.yaml', withHead('{type: rdpose, inference: plain}')),
  simcc: folder.write('simcc.yaml', withHead('{type: simcc}')),
  rtmcc: folder.write('rtmcc.yaml', withHead('{type: rtmcc}')),
  ...Object.fromEntries(
    ['feature', 'logit', 'dwpose', 'diffkd', 'agentpose'].map((kind) => [kind, distilled(kind)]),
  ),
};

function distilled(kind: string): string {
  const teacher = '{config: teacher.yaml, checkpoint: teacher.pth}';
  return folder.write(`${kind}.yaml`, `${SMALLEST}distill: {teacher: ${teacher}, method: {type: ${kind}}}\n`);
}

/** Sections that are left out by default, or do not go with all others, and a file that has them. */
const OPTIONAL: Readonly<Record<string, string>> = {
  distill: BASES.agentpose,
  'distill.taps': BASES.feature,
  'dataset.finalAugment': folder.write('final.yaml', `${SMALLEST}  finalAugment: {epochs: 1}\n`),
};

function withHead(head: string): string {
  const file = SMALLEST.replace(/head: .*\n/, `head: ${head}\n`);
  expect(file).not.toBe(SMALLEST);
  return file;
}

function withBackbone(backbone: string, input = '[64, 32]'): string {
  return SMALLEST.replace(/backbone:\n( {4}.*\n)+/, `backbone: ${backbone}\n`).replace('[64, 32]', input);
}

interface JsonSchema {
  readonly properties?: Record<string, JsonSchema>;
  readonly anyOf?: JsonSchema[];
  readonly oneOf?: JsonSchema[];
  readonly items?: JsonSchema;
  readonly enum?: unknown[];
  readonly const?: unknown;
}

/** Its section, where it is one or may be null. */
function sectionOf(schema: JsonSchema): JsonSchema | undefined {
  return schema.properties ? schema : schema.anyOf?.find(({properties}) => properties);
}

type PathOfSchema = [path: string, schema: JsonSchema, base: string];

/** Every path of the schema, as zod's own JSON Schema export tells them; those of a kind of section with a file that has it. */
function pathsOf(schema: JsonSchema, path = '', file = base): PathOfSchema[] {
  const kinds = (schema.oneOf ?? []).flatMap((kind) =>
    pathsOf(kind, path, BASES[String(kind.properties?.type.const)]),
  );
  const members = Object.entries(sectionOf(schema)?.properties ?? {}).flatMap(
    ([key, member]): PathOfSchema[] => {
      const below = path === '' ? key : `${path}.${key}`;
      return [[below, member, file], ...pathsOf(member, below, OPTIONAL[below] ?? file)];
    },
  );
  return [...kinds, ...members];
}

const PATHS = pathsOf(z.toJSONSchema(configSchema, {io: 'input', unrepresentable: 'any'}) as JsonSchema);
const VALUES = PATHS.filter(([, schema]) => !sectionOf(schema) && schema.oneOf === undefined);

/** With every key, for the schema fills in those that are missing. */
const FURTHER_SOURCE = {
  ...{type: 'mpii', root: 'data/mpii', annotations: 'annot/train.json', images: 'images.zip/images'},
  ...{keypoints: 'mpii16', category: null, weight: 0.3, map: {nose: null, left_hip: 'left_hip'}},
};

/** Values of every kind; text that YAML would take for something else among them. */
const POOL = [
  ...[0, 1, 3, 16, 0.25, 0.5, 1e-3, 2.5e-7, 12345],
  ...[true, false, null],
  ...[
    'plain',
    'two words',
    'a: b',
    '# no comment',
    "it's",
    '"quoted"',
    ' spaces ',
    'null',
    'yes',
    '12',
    '1e-3',
  ],
  ...['[1, 2]', '{a: 1}', '*a', '!x', 'a=b', 'Größe/大小', '../up/file.pth', 'line\nbreak'],
  ...[
    [],
    [64, 96],
    [128, 32],
    [1, 2, 3],
    [8, 16, 32],
    [1, 2, 3, 4],
    [8, 8, 8, 8],
    [0.5, 0.9],
    [0, 0.25],
    [1.5, 7],
    [FURTHER_SOURCE],
    [{match: 'stage4.*', learningRateFactor: 0.1, weightDecay: 0, frozen: false}],
  ],
];

function valueAt(config: Config, path: string): unknown {
  return path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], config);
}

/** What the override gives, or undefined if the schema does not allow the value. */
function overridden(path: string, text: string, file: string): unknown {
  try {
    return valueAt(loadConfig(file, [`${path}=${text}`]).config, path);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return undefined;
  }
}

describe('the keys of the schema', () => {
  it('are those of its JSON Schema', () => {
    expect([...CONFIG_KEYS].sort()).toEqual([...new Set(PATHS.map(([path]) => path))].sort());
    expect(VALUES.length).toBeGreaterThan(50);
  });
});

describe('an override', () => {
  it.each(VALUES)('of %s gives the value that was written, whatever it is', (path, schema, file) => {
    const own = [schema, ...(schema.anyOf ?? [])].flatMap((kind) => [
      ...(kind.enum ?? (kind.const === undefined ? [] : [kind.const])),
      ...(kind.items?.enum ?? []).map((value) => [value]),
    ]);
    const accepted = [...POOL, ...own].filter((value) => {
      const text = dump(value, {flowLevel: 0, lineWidth: -1}).trimEnd();
      const given = overridden(path, text, file);
      if (given === undefined) return false;
      expect(given, `${path}=${text}`).toEqual(value);
      return true;
    });
    expect(accepted).toEqual(expect.arrayContaining(own));
    expect(accepted.length).toBeGreaterThanOrEqual('const' in schema ? 1 : 2);
  });

  it('changes nothing else', () => {
    const {config} = loadConfig(base);
    const changed = loadConfig(base, [
      'train.batchSize=7',
      'model.weights=w.pth',
      'dataset.augment.flip=0',
    ]).config;
    expect(changed).toEqual({
      ...config,
      model: {...config.model, weights: 'w.pth'},
      train: {...config.train, batchSize: 7},
      dataset: {...config.dataset, augment: {...config.dataset.augment, flip: 0}},
    });
  });

  it('of a list replaces it', () => {
    const {config} = loadConfig(base, ['model.backbone.stage2.channels=[6,12]']);
    expect(config.model.backbone).toMatchObject({stage2: {channels: [6, 12]}});
  });

  it('of a section changes the values that it names', () => {
    const {config} = loadConfig(base, ['model.head={sigma: 3}']);
    expect(config.model.head).toEqual({
      type: 'heatmap',
      sigma: 3,
      codec: 'msra',
      finalConvKernel: 1,
      ohkm: null,
    });
  });

  it('with null takes a value back', () => {
    expect(loadConfig(base, ['model.weights=w.pth', 'model.weights=null']).config.model.weights).toBeNull();
  });

  it('wins over those before it', () => {
    expect(loadConfig(base, ['seed=1', 'seed=2']).config.seed).toBe(2);
  });

  it('may have a value with an equals sign', () => {
    expect(loadConfig(base, ['name=a=b']).config.name).toBe('a=b');
  });

  const wrong: [override: string, problem: string][] = [
    [
      'model.head.sigmaa=3',
      '"model.head.sigmaa=3": unknown key "model.head.sigmaa"; did you mean "model.head.sigma"?',
    ],
    [
      'train.optimizer.betas.0=0.5',
      '"train.optimizer.betas.0=0.5": unknown key "train.optimizer.betas.0"; "train.optimizer" has type, learningRate, betas, epsilon, momentum, nesterov, weightDecay, layerDecay, groups.',
    ],
    [
      '__proto__.x=1',
      '"__proto__.x=1": unknown key "__proto__.x"; the top level has name, output, seed, backend, device, tf32, deterministic, threads, model, distill, dataset, loader, train, eval.',
    ],
    ['model={__proto__: {a: 1}}', '"model={__proto__: {a: 1}}": unknown key "model.__proto__".'],
    ['model={heads: 1}', '"model={heads: 1}": unknown key "model.heads"; did you mean "model.head"?'],
    [
      'train.batchSize=many',
      '"train.batchSize=many": "train.batchSize" is "many": expected number, received string.',
    ],
    [
      'train.batchSize="16"',
      '"train.batchSize="16"": "train.batchSize" is "16": expected number, received string. Numbers stand without quotes.',
    ],
    ['output=', '"output=": "output" is "": Too small: expected string to have >=1 characters.'],
    [
      'train.batchSize',
      '"train.batchSize": overrides are written as key=value, for example train.batchSize=16.',
    ],
    ['=3', '"=3": overrides are written as key=value, for example train.batchSize=16.'],
    ['model.input=[256', '"model.input=[256": the value is not valid YAML.'],
    ['model.input=[&a 64, *a]', '"model.input=[&a 64, *a]": the value is not valid YAML.'],
  ];

  it.each(wrong)('%s is refused', (override, problem) => {
    expect(() => loadConfig(base, [override])).toThrow(new UserError('usage', problem));
  });
});
