import {readFileSync, writeFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {encodeSafetensors} from '../../src/checkpoint/safetensors.js';
import {floats, pickle, pthEntries, zip} from '../checkpoint/builders.js';
import {type Ended, runCommandLine} from './process.js';
import {type People, RECIPE, TinyRun} from './tinyRun.js';

let folder: TinyRun;
beforeAll(async () => {
  folder = await TinyRun.create();
});
afterAll(() => folder.remove());

function train(...args: string[]): Promise<Ended> {
  return runCommandLine('pose-train', ['--cfg', RECIPE, ...args], folder.path);
}

const trainOn = (annotations: string) => train(`dataset.train.annotations=${annotations}`);

/** A refusal: nothing on stdout, one paragraph on stderr, no stack. */
function expectRefusal({code, stdout, stderr}: Ended, exitCode: number, problem: RegExp): void {
  expect({code, stdout}).toEqual({code: exitCode, stdout: ''});
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(stderr).toMatch(problem);
}

describe('annotations that cannot be used', () => {
  afterAll(() => expect(folder.exists('output')).toBe(false));

  it('are refused if they are not JSON, and nothing is made', async () => {
    writeFileSync(folder.at('data/torn.json'), folder.read('data/people.json').slice(0, 200));
    expectRefusal(
      await trainOn('torn.json'),
      3,
      /data\/torn\.json: is not JSON .*download or write it again/,
    );
  });

  const changes: [what: string, change: (people: People) => void, problem: RegExp][] = [
    [
      'a box is missing',
      ({annotations}) => delete annotations[2].bbox,
      /annotations\[2\] \(id 3\), "bbox" is missing/,
    ],
    [
      'a person has too few keypoints',
      ({annotations}) => {
        annotations[4].keypoints = [1, 2, 2];
      },
      /1 of 6 annotations are bad.* annotations\[4\] \(id 5\), "keypoints" has 3 numbers; expected 51/,
    ],
    [
      'an image is not on the disk',
      ({images}) => {
        images[1].file_name = 'lost.jpg';
      },
      /1 of its images are listed but missing .*first: lost\.jpg.*dataset\.onMissing=skip/,
    ],
  ];

  it.each(changes)('are refused if %s, and nothing is made', async (_, change, problem) => {
    folder.writePeople('wrong.json', change);
    const refused = await trainOn('wrong.json');
    expectRefusal(refused, 3, problem);
    expect(refused.stderr).toContain('data/wrong.json');
  });
});

describe('an image that is damaged', () => {
  it('ends the training with 3, by its name, and the folder stays free', async () => {
    const whole = readFileSync(folder.at('data/images/4.jpg'));
    writeFileSync(folder.at('data/images/torn.jpg'), whole.subarray(0, whole.length / 2));
    folder.writePeople('torn-image.json', ({images}) => {
      images[3].file_name = 'torn.jpg';
    });
    const {code, stderr} = await train('name=torn', 'dataset.train.annotations=torn-image.json');
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^error: 1 of 6 training samples cannot be used[^\n]+\n {2}[^\n]*data\/images\/torn\.jpg: [^\n]+\n$/,
    );
    expect(folder.exists('output/torn/LOCK')).toBe(false);
  });
});

describe('a weights file', () => {
  /** Unpickling it by Python's rules would make the file `canary`. */
  function writeMalicious(): void {
    const command = pickle.text(`touch ${folder.at('canary')}`);
    const program = pickle.program(pickle.call(pickle.global('posix', 'system'), command));
    writeFileSync(folder.at('evil.pth'), zip(pthEntries(program)));
  }

  it('that would run code is refused by pose-train, and runs nothing', async () => {
    writeMalicious();
    const refused = await train('name=evil', 'model.weights=evil.pth');
    expectRefusal(refused, 7, /evil\.pth: .*posix\.system/);
    expect(folder.exists('canary')).toBe(false);
    expect(folder.exists('output/evil')).toBe(false);
  });

  it('that would run code is refused by pose-eval, and runs nothing', async () => {
    writeMalicious();
    const args = ['--cfg', RECIPE, '--checkpoint', 'evil.pth', '--json'];
    expectRefusal(await runCommandLine('pose-eval', args, folder.path), 7, /evil\.pth: .*posix\.system/);
    expect(folder.exists('canary')).toBe(false);
  });

  it('of another model is refused', async () => {
    writeFileSync(
      folder.at('other.safetensors'),
      encodeSafetensors(new Map([['conv1.weight', floats(1, 2)]])),
    );
    const args = ['--cfg', RECIPE, '--checkpoint', 'other.safetensors'];
    const refused = await runCommandLine('pose-eval', args, folder.path);
    expectRefusal(refused, 7, /other\.safetensors: .*conv1\.weight is F32 \[2\] instead of F32 \[64,3,3,3\]/);
  });
});

describe('an output folder that cannot be made', () => {
  it('is refused with 2 if a file is in the way', async () => {
    writeFileSync(folder.at('occupied'), 'mine');
    expectRefusal(await train('output=occupied'), 2, /occupied\/run: .*a file is in the way.*"output"/);
    expect(folder.read('occupied')).toBe('mine');
  });

  it('is refused with 6 if the disk does not take it, and tells more with --verbose', async () => {
    // Nobody, root included, can make a folder there.
    expectRefusal(await train('output=/sys/nothing'), 6, /\/sys\/nothing\/run: .*Set "output"/);
    const {code, stderr} = await train('output=/sys/nothing', '--verbose');
    expect(code).toBe(6);
    expect(stderr).toMatch(/^error: \/sys\/nothing\/run: [^\n]+\n(.*\n)*\s+at /);
  });
});
