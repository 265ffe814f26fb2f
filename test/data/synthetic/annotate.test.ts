import {describe, expect, it} from 'vitest';
import {loadKeypointSet} from '../../../src/data/keypoints.js';
import {annotatePeople, type PersonAnnotation} from '../../../src/data/synthetic/annotate.js';
import {makeCamera, project} from '../../../src/data/synthetic/camera.js';
import {renderScene} from '../../../src/data/synthetic/render.js';
import type {Scene} from '../../../src/data/synthetic/scene.js';
import {ellipsoid, plain} from '../../../src/data/synthetic/solids.js';
import {personAt, sceneOf, uprightPose} from './people.js';

const COCO = loadKeypointSet('coco17').names;
const MPII = loadKeypointSet('mpii16').names;
const annotated = (scene: Scene, names = COCO): PersonAnnotation[] =>
  annotatePeople(scene, renderScene(scene), names);

/** x, y and visibility of a keypoint by its name. */
function keypoint(person: PersonAnnotation, name: string, names = COCO): number[] {
  const index = names.indexOf(name);
  return person.keypoints.slice(3 * index, 3 * index + 3);
}

const visibility = (person: PersonAnnotation, name: string): number => keypoint(person, name)[2];

describe('the camera', () => {
  it('projects by similar triangles: x to the right, y down, depth in metres', () => {
    const camera = makeCamera([320, 256], 400, 1, 0, 0);
    expect(project(camera, [0, 1, -4])).toEqual([160, 128, 4]);
    expect(project(camera, [0.5, 1.2, -4])).toEqual([210, expect.closeTo(108, 9), 4]);
  });

  it('sees what is straight ahead above the middle when it is pitched down', () => {
    const [x, y] = project(makeCamera([320, 256], 400, 1, 10, 0), [0, 1, -4]);
    expect(x).toBeCloseTo(160, 9);
    expect(y).toBeCloseTo(128 - 400 * Math.tan((10 * Math.PI) / 180), 9);
  });
});

describe('annotations of rendered people', () => {
  it('sees every keypoint of someone who faces the camera, the left ones at larger x', () => {
    const [person] = annotated(sceneOf(personAt(0, -4)));
    for (const name of COCO) expect(visibility(person, name), name).toBe(2);
    expect(person.num_keypoints).toBe(17);
    for (const joint of ['eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle']) {
      expect(keypoint(person, `left_${joint}`)[0]).toBeGreaterThan(keypoint(person, `right_${joint}`)[0]);
    }
  });

  it('hides the face, not the limbs, of someone seen from behind, the left ones at smaller x', () => {
    const [person] = annotated(sceneOf(personAt(0, -4, 180)));
    for (const name of ['nose', 'left_eye', 'right_eye']) expect(visibility(person, name), name).toBe(1);
    for (const joint of ['shoulder', 'elbow', 'hip', 'knee', 'ankle']) {
      expect(visibility(person, `left_${joint}`), joint).toBe(2);
      expect(keypoint(person, `left_${joint}`)[0]).toBeLessThan(keypoint(person, `right_${joint}`)[0]);
    }
  });

  it('hides the far side of someone seen from the side', () => {
    const armsForward = {shoulderPlane: 10, shoulderElevation: 80};
    const pose = uprightPose(armsForward, armsForward);
    const [person] = annotated(sceneOf(personAt(0, -4, 90, pose)));
    for (const joint of ['eye', 'ear', 'shoulder', 'hip']) {
      expect(visibility(person, `left_${joint}`), joint).toBe(1);
      expect(visibility(person, `right_${joint}`), joint).toBe(2);
    }
  });

  it('marks joints behind another person as hidden, and keeps the whole silhouette', () => {
    const far = personAt(0, -5);
    const [alone] = annotated(sceneOf(far));
    const [behind, before] = annotated(sceneOf(far, personAt(0, -4)));
    for (const joint of ['left_shoulder', 'right_shoulder', 'left_hip', 'right_hip']) {
      expect(visibility(behind, joint), joint).toBe(1);
      expect(visibility(before, joint), joint).toBe(2);
    }
    expect(behind.area).toBe(alone.area);
    expect(behind.bbox).toEqual(alone.bbox);
  });

  it('hides a wrist that is behind the back', () => {
    const pose = uprightPose({
      shoulderPlane: 120,
      shoulderElevation: 35,
      shoulderRotation: 75,
      elbowFlexion: 95,
    });
    const [person] = annotated(sceneOf(personAt(0, -4, 0, pose)));
    expect(visibility(person, 'left_wrist')).toBe(1);
    expect(visibility(person, 'right_wrist')).toBe(2);
  });

  it('does not label what is out of the frame, and cuts the box there', () => {
    const [person] = annotated(sceneOf(personAt(0, -1.6)));
    expect(keypoint(person, 'left_ankle')).toEqual([0, 0, 0]);
    expect(visibility(person, 'nose')).toBe(0);
    expect(visibility(person, 'left_hip')).toBe(2);
    expect(person.bbox[1]).toBe(0);
    expect(person.bbox[3]).toBe(256);
  });

  it('labels no keypoint of somebody who can hardly be seen behind another, but gives the box', () => {
    const [far] = annotated(sceneOf(personAt(0, -8), personAt(0, -2)));
    expect(far.num_keypoints).toBe(0);
    expect(new Set(far.keypoints)).toEqual(new Set([0]));
    expect(far.area).toBeGreaterThan(500);
    expect(far.keypoints_3d[0][2]).toBeCloseTo(8, 0);
  });

  it('labels MPII’s keypoints on the same person: the middle of the body from the pelvis up to the crown', () => {
    const scene = sceneOf(personAt(0, -4));
    const [person] = annotated(scene, MPII);
    expect(person.num_keypoints).toBe(16);
    const at = (name: string) => keypoint(person, name, MPII);
    for (const name of MPII) expect(at(name)[2], name).toBe(2);
    const heights = ['pelvis', 'thorax', 'upper_neck', 'head_top'].map((name) => at(name)[1]);
    expect(heights).toEqual([...heights].sort((a, b) => b - a));
    const [coco] = annotated(scene);
    for (const joint of ['ankle', 'knee', 'hip', 'wrist', 'elbow', 'shoulder']) {
      for (const side of ['left', 'right']) {
        expect(at(`${side}_${joint}`)).toEqual(keypoint(coco, `${side}_${joint}`));
      }
    }
    const hips = [at('left_hip'), at('right_hip')];
    expect(at('pelvis')[0]).toBeCloseTo((hips[0][0] + hips[1][0]) / 2, 0);
    // The crown is the silhouette's top, but for hair.
    expect(Math.abs(at('head_top')[1] - person.bbox[1])).toBeLessThan(0.05 * person.bbox[3]);
  });

  it('gives joints in space that the camera projects to the keypoints', () => {
    const scene = sceneOf(personAt(0.3, -4, 30), personAt(-0.5, -3, 200));
    for (const {keypoints, keypoints_3d} of annotated(scene)) {
      keypoints_3d.forEach(([x, y, z], k) => {
        if (keypoints[3 * k + 2] === 0) return;
        expect(160 + (400 * x) / z).toBeCloseTo(keypoints[3 * k], 1);
        expect(128 + (400 * y) / z).toBeCloseTo(keypoints[3 * k + 1], 1);
      });
    }
  });

  it('omits people who are out of sight', () => {
    expect(annotated(sceneOf(personAt(0, -4), personAt(30, -4)))).toHaveLength(1);
  });

  it('draws a sphere over as many pixels as its projection has', () => {
    const scene = sceneOf(personAt(0, -4));
    const white = plain([255, 255, 255]);
    const ball = ellipsoid([0.5, 0.9, -3], [0.2, 0.2, 0.2], [1, 0, 0, 0, 1, 0, 0, 0, 1], white);
    const empty = renderScene({...scene, people: [], objects: [ball]});
    const pixels = empty.canvas.surface.reduce((sum, surface) => sum + (surface === 1 ? 1 : 0), 0);
    // A sphere at (X, 0, Z), radius r, projects to an ellipse with semi-axes f r √(X² + Z² − r²) / (Z² − r²) and
    // f r / √(Z² − r²).
    const square = 3 ** 2 - 0.2 ** 2;
    const major = (400 * 0.2 * Math.sqrt(0.5 ** 2 + square)) / square;
    const minor = (400 * 0.2) / Math.sqrt(square);
    expect(Math.abs(pixels / (Math.PI * major * minor) - 1)).toBeLessThan(0.03);
  });
});
