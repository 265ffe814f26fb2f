/** @file SimCC: labels by formula, and labels and decoding as MMPose's codec made them for RTMPose and RTMW. */
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {SimccCodec} from '../../src/codecs/simcc.js';
import {encodeBatch, type Point} from './builders.js';

function simcc(keypoints: number, normalize = false): SimccCodec {
  const sizes = {input: [256, 192], splitRatio: 2, sigma: [4.9, 5.66]} as const;
  return new SimccCodec({type: 'simcc', ...sizes, normalize, keypoints});
}

function encode(points: Point[], normalize = false) {
  const {targets, weights} = encodeBatch(simcc(points.length, normalize), [points]);
  return {x: targets[0], y: targets[1], weights: [...weights]};
}

/** The one greatest bin. */
function peak(labels: Float32Array): number {
  return labels.indexOf(1);
}

describe('labels', () => {
  it('are Gaussians around the nearest bin, each axis with its own sigma', () => {
    const {x, y, weights} = encode([[50, 100.2, 1]]);
    expect([x.length, y.length, ...weights]).toEqual([384, 512, 1]);
    expect([peak(x), peak(y)]).toEqual([100, 200]);
    // A vector computed elsewhere: sigma 4.9, five bins from the middle.
    expect(x[105]).toBeCloseTo(0.594154, 6);
    expect(y[210]).toBeCloseTo(Math.exp(-100 / (2 * 5.66 ** 2)), 6);
  });

  it('take the even one of two bins that are equally near, as NumPy does', () => {
    const middles = [0.25, 0.75, 1.25, 1.75];
    expect(middles.map((x) => peak(encode([[x, 50, 1]]).x))).toEqual([0, 2, 2, 4]);
  });

  it('sum to 1 if normalised', () => {
    const {x, y} = encode([[96, 128, 1]], true);
    for (const labels of [x, y]) expect(labels.reduce((sum, value) => sum + value)).toBeCloseTo(1, 5);
  });

  it('and weights are zero for keypoints not labelled or three sigma outside, and others keep their weight', () => {
    // Three sigma are 7.35 pixels in x and 8.49 in y.
    const points: Point[] = [
      [50, 50, 0],
      [-7, 50, 1],
      [-9, 50, 1],
      [50, 264, 0.5],
      [50, 266, 1],
    ];
    const {x, y, weights} = encode(points);
    expect(weights).toEqual([0, 1, 0, 0.5, 0]);
    points.forEach((_, k) => {
      const rows = [...x.subarray(384 * k, 384 * (k + 1)), ...y.subarray(512 * k, 512 * (k + 1))];
      expect(rows.some((value) => value > 0)).toBe(weights[k] > 0);
    });
  });
});

describe('decoding', () => {
  const codec = simcc(1);
  const spike = (bins: number, at: number, height: number) =>
    Float32Array.from({length: bins}, (_, i) => (i === at ? height : -1));

  it('takes the greatest bin of each axis and the lesser height', () => {
    const {coordinates, scores} = codec.decode([spike(384, 101, 3), spike(512, 7, 2)], 1);
    expect([...coordinates, ...scores]).toEqual([50.5, 3.5, 2]);
  });

  it('puts a keypoint without a positive height at bin −1', () => {
    const {coordinates, scores} = codec.decode([spike(384, 101, 3), spike(512, 7, 0)], 1);
    expect([...coordinates, ...scores]).toEqual([-0.5, -0.5, 0]);
  });
});

const FIXTURES = join(process.env.POSECRAFT_REFERENCE ?? '../shared', 'fixtures');

interface Fixture {
  readonly num_keypoints: number;
  readonly input_size_wh: [number, number];
  readonly simcc_split_ratio: number;
  readonly sigma_bins: [number, number];
  readonly decoded_keypoints: [number, number][][];
  readonly decoded_scores: number[][];
}

describe.skipIf(!existsSync(FIXTURES)).each(['rtmpose/rtmpose_thin_coco17', 'rtmw/rtmw_thin_wholebody133'])(
  '%s (needs the reference data)',
  (name) => {
    const file = join(FIXTURES, name);
    const array = (part: string) => {
      const bytes = readFileSync(`${file}.${part}.f32`);
      return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    };
    const open = () => {
      const fixture: Fixture = JSON.parse(readFileSync(`${file}.json`, 'utf8'));
      const [width, height] = fixture.input_size_wh;
      const keypoints = fixture.num_keypoints;
      const geometry = {splitRatio: fixture.simcc_split_ratio, sigma: fixture.sigma_bins};
      const codec = new SimccCodec({
        ...{type: 'simcc', input: [height, width], ...geometry, normalize: false, keypoints},
      });
      return {fixture, codec, keypoints};
    };

    it('has these labels and weights for its keypoints', () => {
      const {codec, keypoints} = open();
      const [points, visible] = [array('keypoints'), array('visible')];
      const samples = [0, 1].map((sample) =>
        Array.from({length: keypoints}, (_, k): Point => {
          const row = sample * keypoints + k;
          return [points[2 * row], points[2 * row + 1], visible[row]];
        }),
      );
      const {targets, weights} = encodeBatch(codec, samples);
      expect(weights).toEqual(array('label_weight'));
      ['label_x', 'label_y'].forEach((part, i) => {
        const expected = array(part);
        expect(targets[i]).toHaveLength(expected.length);
        const worst = targets[i].reduce(
          (most, value, at) => Math.max(most, Math.abs(value - expected[at])),
          0,
        );
        // MMPose computes in float32: two units in its last place.
        expect(worst).toBeLessThanOrEqual(2 ** -23);
      });
    });

    it('has these keypoints and scores for its outputs', () => {
      const {fixture, codec} = open();
      const {coordinates, scores} = codec.decode([array('eval_x'), array('eval_y')], 2);
      expect([...coordinates]).toEqual(fixture.decoded_keypoints.flat(2));
      fixture.decoded_scores.flat().forEach((score, i) => {
        expect(scores[i]).toBeCloseTo(score, 5);
      });
    });
  },
);
