/** @file The comparison of heads runs, and tells each of them. */
import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';

it('bench/heads.mjs times every head, the first as 1', () => {
  const script = join(PACKAGE_ROOT, 'bench', 'heads.mjs');
  const args = '--width 8 --batch 1 --rounds 2 --threads 1'.split(' ');
  const [, , ...rows] = execFileSync(process.execPath, [script, ...args], {encoding: 'utf8'})
    .trim()
    .split('\n');
  expect(rows).toHaveLength(3);
  expect(rows[0]).toMatch(/^\| heatmap \| [\d.]+ \| 1\.000 \|$/);
  expect(rows[1]).toMatch(/^\| rdpose, plain \| [\d.]+ \| [\d.]+ \|$/);
  expect(rows[2]).toMatch(/^\| rdpose, decoupled \| [\d.]+ \| [\d.]+ \|$/);
});
