import {describe, expect, it} from 'vitest';
import {decoded, fromPython} from '../../../src/config/legacy/values.js';

describe('a text that is a Python literal', () => {
  const literals: [text: string, value: unknown][] = [
    ['False', false],
    ['True', true],
    ['None', null],
    ['12', 12],
    ['-1.0', -1],
    ['1e-3', 0.001],
    ['.5', 0.5],
    ['(0,1,2,3)', [0, 1, 2, 3]],
    ['(0,)', [0]],
    ['()', []],
    ['[170, 200]', [170, 200]],
    ["['conv1', 'bn1']", ['conv1', 'bn1']],
    ['0,1', [0, 1]],
    ['0,', [0]],
    ["'quoted'", 'quoted'],
    ['"2017"', '2017'],
    ['[True, None]', [true, null]],
  ];
  it.each(literals)('%s has its value', (text, value) => {
    expect(fromPython(text)).toEqual(value);
  });
});

describe('a text that is none', () => {
  it.each(['', 'gaussian', 'data/coco', 'a,b', '(0', '0 1', 'true', 'w32_256x192', '1.2.3', '[&a 1, *a]'])(
    '"%s" stays what it is',
    (text) => {
      expect(fromPython(text)).toBe(text);
    },
  );
});

it('texts within a value are taken for literals as well', () => {
  expect(decoded({GPUS: '(0,1)', A: {B: ['None', 'x', 3]}, C: null})).toEqual({
    GPUS: [0, 1],
    A: {B: [null, 'x', 3]},
    C: null,
  });
});
