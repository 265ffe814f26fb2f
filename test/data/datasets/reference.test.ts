/** @file The other real sets that there are: what is read agrees with a plain look at their files. */
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {configSchema} from '../../../src/config/schema.js';
import {openDataset} from '../../../src/data/datasets/index.js';
import {loadKeypointSet} from '../../../src/data/keypoints.js';
import {LSP14, numberedSet} from '../keypointSets.js';

const reference = join(process.env.POSECRAFT_REFERENCE ?? '../shared', 'data');
const config = (values: object) => configSchema.shape.dataset.parse(values);
const whole133 = numberedSet('wholebody133', 133);

interface WholeBody {
  id: number;
  [key: string]: number | boolean | number[];
}

describe.skipIf(!existsSync(reference))('real datasets (need the reference data)', () => {
  it('Leeds Sports Pose Extended is read whole, with its own fourteen keypoints', async () => {
    const split = (name: string) => ({annotations: `annotations/lspet_${name}.json`, images: 'images'});
    const lspet = config({root: join(reference, 'lspet'), train: split('train'), val: split('val')});
    const train = await openDataset(lspet, 'train', LSP14);
    const val = await openDataset(lspet, 'val', LSP14);
    expect([train.imageCount, val.imageCount]).toEqual([2500, 500]);
    expect([train.people.length, val.people.length]).toEqual([2500, 500]);
    expect(train.findings.of('keypointNames')).toEqual([]);
    expect(train.people[0].keypoints.slice(0, 3)).toEqual([145.83, 95.5, 2]);
  });

  const split = {annotations: 'coco_wholebody_sample4.json', images: 'images'};
  const wholebody = config({type: 'wholebody', root: join(reference, 'wholebody'), train: split, val: split});

  it('COCO-WholeBody is body, feet, face and hands in this order, parts that are not valid unlabelled', async () => {
    const {people, groundTruth} = await openDataset(wholebody, 'train', whole133);
    const file = JSON.parse(readFileSync(join(reference, 'wholebody', split.annotations), 'utf8'));
    const records = file.annotations as WholeBody[];
    expect(groundTruth().annotations).toHaveLength(14);
    // Two of the fourteen have no keypoint of the body and no valid part.
    expect(people).toHaveLength(12);
    const parts = [['keypoints'], ['foot_kpts', 'foot_valid'], ['face_kpts', 'face_valid']];
    const hands = [
      ['lefthand_kpts', 'lefthand_valid'],
      ['righthand_kpts', 'righthand_valid'],
    ];
    for (const {annotationId, keypoints} of people) {
      const record = records.find(({id}) => id === annotationId)!;
      const expected = [...parts, ...hands].flatMap(([list, flag]) =>
        (record[list] as number[]).map((value, i) => {
          if (i % 3 !== 2 || flag === undefined) return value;
          return record[flag] && value > 0 ? 2 : 0;
        }),
      );
      expect(keypoints).toEqual(expected);
    }
  });

  it('COCO-WholeBody needs a keypoint set of 133', async () => {
    await expect(openDataset(wholebody, 'train', loadKeypointSet('coco17'))).rejects.toThrow(
      /has 133 keypoints, .* coco17 17/,
    );
  });
});
