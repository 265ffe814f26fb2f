/** @file The timed run of HRNet does what it says, as a user starts it: a benchmark that no longer runs measures nothing. */
import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';

const SMALL = '--width 8 --size 64x64 --batch 2 --warmup 1 --steps 2 --threads 1'.split(' ');

function timed(...args: string[]) {
  const script = join(PACKAGE_ROOT, 'bench', 'hrnet.mjs');
  return JSON.parse(execFileSync(process.execPath, [script, ...SMALL, ...args], {encoding: 'utf8'}));
}

describe('bench/hrnet.mjs', () => {
  it.each([
    ['train', []],
    ['infer', []],
    ['train', ['--amp']],
    ['infer', ['--amp']],
  ])('times %s %s', (mode, flags) => {
    const row = timed('--mode', mode, ...flags);
    expect(row).toMatchObject({mode, dtype: flags.length > 0 ? 'bf16' : 'fp32', batch: 2, threads: 1});
    expect(row.images_per_second).toBeGreaterThan(0);
    expect(row.peak_rss_mib).toBeGreaterThan(0);
  });
});
