/** @file Which processors are taken to have bfloat16 in hardware. */
import {expect, it} from 'vitest';
import {hasBfloat16} from '../../src/engine/cpuFeatures.js';

it.each([
  ['flags : avx512f avx512_vnni', false],
  ['flags : avx512f avx512_bf16 amx_tile', true],
  ['flags : amx_bf16 amx_tile amx_int8', true],
  ['Features : fp asimd sve bf16 i8mm', true],
  [null, true],
])('takes "%s" as %s', (facts, expected) => {
  expect(hasBfloat16(facts)).toBe(expected);
});
