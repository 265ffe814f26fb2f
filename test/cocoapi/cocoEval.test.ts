import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {COCO, COCOeval, explainMinusOne} from '../../src/cocoapi/index.js';
import {dataset, evaluated, found, person, scored} from './builders.js';

const FIXTURES = join(process.env.POSECRAFT_REFERENCE ?? '../shared', 'fixtures', 'oks');

describe.skipIf(!existsSync(FIXTURES))('pycocotools on 400 images (needs the reference data)', () => {
  it.each(['coco400', 'coco400_sharp'])('gives the same ten numbers for %s', async (name) => {
    const truth = await COCO.fromFile(join(FIXTURES, `${name}_gt.json`));
    const evaluator = new COCOeval(truth, truth.loadRes(join(FIXTURES, `${name}_dt.json`)), 'keypoints');
    evaluator.evaluate();
    evaluator.accumulate();
    const expected = JSON.parse(readFileSync(join(FIXTURES, `${name}_expected.json`), 'utf8')) as Record<
      string,
      number
    >;
    const stats: Record<string, number> = evaluator.statsObject();
    expect(Object.keys(stats)).toEqual(Object.keys(expected));
    for (const [figure, value] of Object.entries(expected))
      expect(stats[figure], figure).toBeCloseTo(value, 12);
  });
});

describe('one person of 100 by 100 pixels', () => {
  const anna = person(1);
  const truth = dataset([anna]);

  it('scores 1 where it is found exactly, and -1 for the sizes that nobody has', () => {
    const stats = scored(truth, [found(anna, 0.9)], 'keypoints');
    expect(stats).toMatchObject({
      AP: 1,
      AP50: 1,
      AP_large: 1,
      AP_medium: -1,
      AR: 1,
      AR_large: 1,
      AR_medium: -1,
    });
  });

  it('counts at the thresholds below its similarity', () => {
    // OKS = exp(-d² / (2 · 10⁴ · 0.2²)) = 0.72 at d = sqrt(-800 ln 0.72): right at 0.50 to 0.70, five of ten.
    const shift = Math.sqrt(-800 * Math.log(0.72));
    const stats = scored(truth, [found(anna, 0.9, shift)], 'keypoints');
    expect(stats).toMatchObject({AP: 0.5, AP50: 1, AP75: 0, AR: 0.5});
  });

  it('halves the precision where a better scored detection is nobody', () => {
    const stats = scored(truth, [found(anna, 0.9, 5000), found(anna, 0.4)], 'keypoints');
    expect(stats.AP).toBeCloseTo(0.5, 12);
    expect(stats.AR).toBe(1);
  });

  it('takes a second detection of the same person for wrong, which costs nothing after full recall', () => {
    const evaluator = evaluated(truth, [found(anna, 0.9), found(anna, 0.8)], 'keypoints');
    expect(evaluator.statsObject().AP).toBeCloseTo(1, 12);
    expect([...evaluator.evalImgs[0]!.dtMatches.slice(0, 2)]).toEqual([1, 0]);
  });

  it('scores 0 where nothing was detected at all', () => {
    expect(scored(truth, [], 'keypoints')).toMatchObject({AP: 0, AR: 0, AP_medium: -1});
  });

  it('looks at twenty detections of an image and no more', () => {
    const strangers = Array.from({length: 20}, () => found(anna, 0.9, 5000));
    const late = scored(truth, [...strangers, found(anna, 0.1)], 'keypoints');
    const inTime = scored(truth, [...strangers.slice(1), found(anna, 0.1)], 'keypoints');
    expect(late.AR).toBe(0);
    expect(inTime.AR).toBe(1);
    expect(inTime.AP).toBeCloseTo(1 / 20, 12);
  });

  it('lets the order of the file decide between equal scores', () => {
    const [right, wrong] = [found(anna, 0.5), found(anna, 0.5, 5000)];
    expect(scored(truth, [right, wrong], 'keypoints').AP).toBe(1);
    expect(scored(truth, [wrong, right], 'keypoints').AP).toBeCloseTo(0.5, 12);
  });

  it('takes the id 0 for no match at all, as pycocotools does', () => {
    expect(scored(dataset([person(0)]), [found(anna, 0.9)], 'keypoints').AR).toBe(0);
  });
});

describe('what is ignored', () => {
  const anna = person(1);

  it('forgives any number of detections in a crowd', () => {
    const crowd = person(2, {bbox: [300, 0, 200, 200], iscrowd: 1});
    const inCrowd = [found(crowd, 0.99), found(crowd, 0.98), found(crowd, 0.97)];
    const stats = scored(dataset([anna, crowd]), [...inCrowd, found(anna, 0.5)], 'keypoints');
    expect(stats).toMatchObject({AP: 1, AR: 1});
  });

  it('forgives one detection within the doubled box of a person without labelled keypoints', () => {
    const unlabelled = person(2, {
      bbox: [300, 100, 100, 100],
      keypoints: [0, 0, 0, 0, 0, 0],
      num_keypoints: 0,
    });
    const within = {image_id: 1, category_id: 1, score: 0.9, keypoints: [200, 0, 1, 500, 300, 1]};
    const truth = dataset([anna, unlabelled]);
    expect(scored(truth, [within, found(anna, 0.5)], 'keypoints').AP).toBe(1);
    expect(scored(truth, [within, within, found(anna, 0.5)], 'keypoints').AP).toBeCloseTo(0.5, 12);
    const outside = {...within, keypoints: [-500, 0, 1, 1200, 300, 1]};
    expect(scored(truth, [outside, found(anna, 0.5)], 'keypoints').AP).toBeCloseTo(0.5, 12);
  });

  it('prefers a person that counts to a nearer one that is ignored', () => {
    const ghost = person(2, {iscrowd: 1});
    const shifted = person(3, {bbox: [4, 0, 100, 100]});
    const evaluator = evaluated(dataset([ghost, shifted]), [found(ghost, 0.9)], 'keypoints');
    expect(evaluator.evalImgs[0]!.dtMatches[0]).toBe(3);
  });

  it('leaves people of other sizes, and unmatched detections of other sizes, out of an area range', () => {
    const small = person(2, {bbox: [300, 0, 50, 50]});
    const smallStray = found(small, 0.99, 1000);
    const stats = scored(dataset([anna, small]), [smallStray, found(anna, 0.9)], 'keypoints');
    expect(stats).toMatchObject({AP_large: 1, AP_medium: 0});
    // Of all: one of two people, behind one error: precision 1/2 up to recall 1/2, which is 51 of 101 points.
    expect(stats.AP).toBeCloseTo((51 / 101) * 0.5, 12);
  });

  it('counts people on images without detections, and detections on images without people', () => {
    const bert = person(2, {image_id: 2});
    const onEmpty = {...found(anna, 0.95), image_id: 3};
    const stats = scored(dataset([anna, bert], [1, 2, 3]), [found(anna, 0.9), onEmpty], 'keypoints');
    expect(stats.AR).toBe(0.5);
    expect(stats.AP).toBeCloseTo((51 / 101) * 0.5, 12);
  });

  it('evaluates the images of params.imgIds only', () => {
    const bert = person(2, {image_id: 2});
    const stats = scored(dataset([anna, bert], [1, 2]), [found(anna, 0.9)], 'keypoints', {
      imgIds: [1],
    });
    expect(stats.AR).toBe(1);
  });
});

describe('boxes', () => {
  const box = (x: number, score: number) => ({image_id: 1, category_id: 1, bbox: [x, 0, 100, 100], score});

  it('are compared by intersection over union', () => {
    // 80 of 100 columns shared: 8000 / 12000 = 0.667, right at 0.50 to 0.65, four of ten.
    const stats = scored(dataset([person(1)]), [box(20, 0.9)], 'bbox');
    expect(stats.AP).toBeCloseTo(0.4, 12);
    expect(stats).toMatchObject({AP50: 1, AP75: 0, AP_small: -1, AP_large: stats.AP});
  });

  it('are compared with a crowd by their own area', () => {
    const crowd = person(2, {bbox: [0, 0, 1000, 1000], iscrowd: 1});
    const far = person(1, {bbox: [2000, 0, 100, 100]});
    const results = [box(500, 0.9), box(600, 0.8), box(2000, 0.1)];
    expect(scored(dataset([far, crowd]), results, 'bbox').AP).toBe(1);
  });

  it('can be compared regardless of their category', () => {
    const truth = {
      ...dataset([person(1)]),
      categories: [
        {id: 1, name: 'person'},
        {id: 2, name: 'dog'},
      ],
    };
    const result = {...box(0, 0.9), category_id: 2};
    expect(scored({...truth, annotations: [person(1, {keypoints: undefined})]}, [result], 'bbox').AP).toBe(0);
    const pooled = scored(truth, [result], 'bbox', {useCats: false});
    expect(pooled.AP).toBe(1);
  });
});

describe('the report', () => {
  const anna = person(1);

  it('has the lines of pycocotools', () => {
    const text = evaluated(dataset([anna]), [found(anna, 0.9)], 'keypoints').summarize();
    expect(text.split('\n')).toEqual([
      ' Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets= 20 ] = 1.000',
      ' Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets= 20 ] = 1.000',
      ' Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets= 20 ] = 1.000',
      ' Average Precision  (AP) @[ IoU=0.50:0.95 | area=medium | maxDets= 20 ] = -1.000',
      ' Average Precision  (AP) @[ IoU=0.50:0.95 | area= large | maxDets= 20 ] = 1.000',
      ' Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets= 20 ] = 1.000',
      ' Average Recall     (AR) @[ IoU=0.50      | area=   all | maxDets= 20 ] = 1.000',
      ' Average Recall     (AR) @[ IoU=0.75      | area=   all | maxDets= 20 ] = 1.000',
      ' Average Recall     (AR) @[ IoU=0.50:0.95 | area=medium | maxDets= 20 ] = -1.000',
      ' Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets= 20 ] = 1.000',
    ]);
  });

  it('rounds ties to the even digit, as Python does', () => {
    // One of sixteen people is found: the recall is 0.0625 exactly.
    const people = Array.from({length: 16}, (_, i) => person(i + 1, {bbox: [1000 * i, 0, 100, 100]}));
    const text = evaluated(dataset(people), [found(people[0], 0.9)], 'keypoints').summarize();
    expect(text.split('\n')[5]).toMatch(/= 0\.062$/);
  });

  it('says why figures are -1', () => {
    expect(explainMinusOne(evaluated(dataset([anna]), [], 'keypoints'))).toBe(
      'AP_medium, AR_medium are -1: the ground truth of the 1 evaluated images has no person with labelled ' +
        'keypoints and an area of 1024 to 9216 square pixels (crowds do not count). Their "area" goes from 10000 ' +
        'to 10000; if that is right, there is nothing to mend.',
    );
    const medium = person(2, {bbox: [0, 0, 50, 50]});
    expect(explainMinusOne(evaluated(dataset([anna, medium]), [], 'keypoints'))).toBeNull();
  });

  it('needs accumulate first', () => {
    const coco = new COCO(dataset([anna]));
    expect(() => new COCOeval(coco, coco.loadRes([]), 'keypoints').summarize()).toThrow('accumulate');
  });
});

describe('keypoints that do not fit the sigmas', () => {
  it('are refused, and the record is named', () => {
    const coco = new COCO(dataset([person(5)]), 'truth.json');
    const evaluator = new COCOeval(coco, coco.loadRes([]), 'keypoints');
    expect(() => evaluator.evaluate()).toThrow(
      /truth\.json: annotation 5 \(image 1\): "keypoints": it has 6 numbers; expected 51/,
    );
  });

  it('are refused where a keypoint evaluation finds none', () => {
    const truth = dataset([person(5)]);
    const boxes = [{image_id: 1, category_id: 1, bbox: [0, 0, 9, 9], score: 1}];
    expect(() => evaluated(truth, boxes, 'keypoints')).toThrow(
      /results\[0\] \(image 1\): has no "keypoints"/,
    );
  });
});
