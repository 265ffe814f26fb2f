import {afterAll, describe, expect, it} from 'vitest';
import {readMatrix} from '../../src/config/matrix.js';
import {UserError} from '../../src/errors.js';
import {ConfigFolder} from './folder.js';

const folder = new ConfigFolder();
afterAll(() => folder.remove());

const read = (text: string) => readMatrix(folder.write('m.yaml', text));
const names = (text: string) => read(text).runs.map(({name}) => name);

const TWO_AXES = `axes:
  codec:
    msra: {}
    udp: {model.head.codec: udp, eval.flipTest: false}
  sigma: {key: model.head.sigma, values: [1.5, 2]}
`;

describe('a matrix', () => {
  it('gives every combination of its axes with every seed', () => {
    expect(names(`${TWO_AXES}seeds: [0, 7]\n`)).toEqual([
      'msra-sigma1.5-seed0',
      'msra-sigma1.5-seed7',
      'msra-sigma2-seed0',
      'msra-sigma2-seed7',
      'udp-sigma1.5-seed0',
      'udp-sigma1.5-seed7',
      'udp-sigma2-seed0',
      'udp-sigma2-seed7',
    ]);
  });

  it('has the overrides of all variants of a run, each with its line', () => {
    const {file, runs, seeds} = read(TWO_AXES);
    expect(seeds).toEqual([0]);
    expect(runs.at(-1)).toEqual({
      name: 'udp-sigma2-seed0',
      variants: ['udp', '2'],
      seed: 0,
      overrides: [
        {key: 'model.head.codec', value: 'udp', source: `${file}:4`},
        {key: 'eval.flipTest', value: false, source: `${file}:4`},
        {key: 'model.head.sigma', value: 2, source: `${file}:5`},
      ],
    });
  });

  it('leaves out what is excluded, with one axis named or more', () => {
    expect(names(`${TWO_AXES}exclude: [{codec: udp, sigma: 1.5}]\n`)).toEqual([
      'msra-sigma1.5-seed0',
      'msra-sigma2-seed0',
      'udp-sigma2-seed0',
    ]);
    expect(names(`${TWO_AXES}exclude:\n  - codec: msra\n`)).toHaveLength(2);
  });

  it('names the values of a key after the axis, and takes text, booleans and null', () => {
    const text =
      'axes:\n  nms: {key: eval.nms, values: [oks, none]}\n  w: {key: model.weights, values: [null]}\n';
    expect(names(text)).toEqual(['nms-oks-w-null-seed0', 'nms-none-w-null-seed0']);
    expect(names('axes: {flip: {key: eval.flipTest, values: [true, false]}}')[0]).toBe('flip-true-seed0');
  });
});

describe('of a matrix is refused, with its line,', () => {
  const wrong: [title: string, text: string, line: number, problem: string][] = [
    [
      'an unknown key',
      'axes:\n  a:\n    x:\n      model.head.sigmaa: 1\n',
      4,
      'unknown key "model.head.sigmaa"; did you mean "model.head.sigma"?',
    ],
    [
      'an unknown key of values',
      'axes:\n  a: {key: train.epoch, values: [1]}\n',
      2,
      'unknown key "train.epoch"; did you mean "train.epochs"?',
    ],
    ['an unknown section', 'axes: {a: {x: {}}}\nseed: [1]\n', 2, 'unknown key "seed"; did you mean "seeds"?'],
    [
      'a key that tells runs apart',
      'axes:\n  a:\n    x: {seed: 1}\n',
      3,
      '"seed" is set for each run; seeds stand under "seeds".',
    ],
    [
      'a seed that is none',
      'axes: {a: {x: {}}}\nseeds: [-1]\n',
      2,
      '"seeds.0" is -1: Too small: expected number to be >=0.',
    ],
    [
      'a seed given twice',
      'axes: {a: {x: {}}}\nseeds: [1, 1]\n',
      2,
      '"seeds" is [1,1]: expected each seed once.',
    ],
    ['no axis', 'axes: {}\n', 1, '"axes" is {}: expected at least one axis.'],
    ['an axis without variants', 'axes:\n  a: {}\n', 2, 'the axis has no variants.'],
    [
      'a name that is no folder',
      'axes:\n  a:\n    x/y: {}\n',
      3,
      '"x/y" becomes part of a folder\'s name: take letters, digits and . _ + -.',
    ],
    [
      'a value twice',
      'axes:\n  a:\n    key: model.head.sigma\n    values: [2, 2]\n',
      4,
      '2 stands there twice.',
    ],
    [
      'a list as a value',
      'axes:\n  a:\n    key: model.input\n    values:\n      - [64, 64]\n',
      5,
      '"axes.a.values.0" is [64,64]: expected single values; others need names.',
    ],
    [
      'an unknown axis',
      `${TWO_AXES}exclude:\n  - {codecs: udp}\n`,
      7,
      'there is no axis "codecs". Did you mean "codec"?',
    ],
    [
      'an unknown variant',
      `${TWO_AXES}exclude:\n  - {codec: dark}\n`,
      7,
      '"codec" has no variant "dark"; it has msra, udp.',
    ],
    ['all of it', `${TWO_AXES}exclude: [{codec: udp}, {codec: msra}]\n`, 6, 'every combination is excluded.'],
    [
      'one name for two combinations',
      'axes:\n  a: {x: {}, x-y: {}}\n  b: {y-z: {}, z: {}}\n',
      1,
      'two combinations are called "x-y-z-seed0"; rename a variant.',
    ],
  ];
  it.each(wrong)('%s', (_, text, line, problem) => {
    const file = folder.write('wrong.yaml', text);
    expect(() => readMatrix(file)).toThrow(new UserError('usage', `${file}:${line}: ${problem}`));
  });
});
