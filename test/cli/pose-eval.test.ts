import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';
import {runCommandLine} from './process.js';

const FIXTURES = resolve(PACKAGE_ROOT, process.env.POSECRAFT_REFERENCE ?? '../shared', 'fixtures/oks');
const FIGURES = [
  'AP',
  'AP50',
  'AP75',
  'AP_medium',
  'AP_large',
  'AR',
  'AR50',
  'AR75',
  'AR_medium',
  'AR_large',
];

const folder = mkdtempSync(join(tmpdir(), 'pose-eval-'));
afterAll(() => rmSync(folder, {recursive: true}));

function score(...args: string[]) {
  return runCommandLine('pose-eval', args, folder);
}

describe.skipIf(!existsSync(FIXTURES))('pose-eval --results (needs the reference data)', () => {
  it.each(['coco400', 'coco400_sharp'])('gives the figures of pycocotools for %s', async (name) => {
    const [truth, results] = ['gt', 'dt'].map((part) => join(FIXTURES, `${name}_${part}.json`));
    const expected: Record<string, number> = JSON.parse(
      readFileSync(join(FIXTURES, `${name}_expected.json`), 'utf8'),
    );
    const {code, stdout, stderr} = await score('--results', results, '--annotations', truth, '--json');
    expect({code, stderr}).toEqual({code: 0, stderr: ''});
    const figures: Record<string, number> = JSON.parse(stdout);
    expect(Object.keys(figures)).toEqual(FIGURES);
    for (const key of FIGURES) expect(Math.abs(figures[key] - expected[key]), key).toBeLessThan(1e-9);
  });
});

describe('pose-eval --results', () => {
  const truth = ['--annotations', 'truth.json'];

  beforeAll(() => {
    const keypoints = Array.from({length: 17}, (_, k) => [100 + 5 * k, 100 + 10 * k, 2]).flat();
    const person = {id: 1, image_id: 1, category_id: 1, iscrowd: 0, num_keypoints: 17, keypoints};
    writeJson('truth.json', {
      images: [{id: 1, file_name: '1.jpg', width: 640, height: 480}],
      categories: [{id: 1, name: 'person'}],
      annotations: [{...person, bbox: [90, 90, 110, 200], area: 22_000}],
    });
    writeJson('perfect.json', [{image_id: 1, category_id: 1, keypoints, score: 0.9}]);
    writeJson('stranger.json', [{image_id: 99, category_id: 1, keypoints, score: 0.9}]);
    writeFileSync(join(folder, 'torn.json'), '[{"image_id": 1,');
  });

  function writeJson(name: string, value: unknown): void {
    writeFileSync(join(folder, name), JSON.stringify(value));
  }

  it('prints one JSON object on stdout and nothing else there', async () => {
    const {code, stdout, stderr} = await score('--results', 'perfect.json', ...truth, '--json');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\{[^\n]*\}\n$/);
    const figures: Record<string, number> = JSON.parse(stdout);
    expect(Object.keys(figures)).toEqual(FIGURES);
    // The one person is large and found exactly; nobody of medium size is there to be found.
    for (const key of FIGURES) expect(figures[key], key).toBeCloseTo(key.endsWith('medium') ? -1 : 1, 12);
    expect(stderr).toMatch(/-1/);
  });

  it("prints pycocotools' table without --json", async () => {
    const {code, stdout} = await score('--results', 'perfect.json', ...truth);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(10);
    expect(stdout).toContain(
      'Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets= 20 ] = 1.000',
    );
  });

  it.each([
    ['a file that is missing', ['--results', 'nowhere.json', ...truth], 3, /^error: nowhere\.json: .*\n$/],
    ['a file that is torn', ['--results', 'torn.json', ...truth, '--json'], 3, /^error: torn\.json: .*\n$/],
    [
      'results of another image',
      ['--results', 'stranger.json', ...truth, '--json'],
      3,
      /^error: stranger\.json: .*99.*\n$/,
    ],
    ['no annotations', ['--results', 'perfect.json'], 2, /--annotations GT\.json\.\n$/],
    ['an override', ['--results', 'perfect.json', ...truth, 'seed=3'], 2, /^error: .*"seed=3": overrides/],
  ])('refuses %s', async (_, args, exitCode, problem) => {
    const {code, stdout, stderr} = await score(...args);
    expect({code, stdout}).toEqual({code: exitCode, stdout: ''});
    expect(stderr).toMatch(problem);
  });
});
