/**
 * @file The files of a PCKh evaluation: MPII's ground truth as JSON or as HRNet's gt_valid.mat, and predictions as
 * JSON or as HRNet's pred.mat.
 */
import {z} from 'zod';
import {problem, readJson} from '../cocoapi/records.js';
import {type MatArray, type MatVariable, readMatFile} from '../data/datasets/matFile.js';
import {MPII_JOINTS, type PckhPredictions, type PckhTruth} from './pckh.js';

const point = z.array(z.number()).min(2);
const truthFile = z.object({
  joint_names: z.array(z.string()),
  gt_joints: z.array(z.array(point)),
  missing: z.array(z.array(z.number())),
  head_boxes: z.array(z.tuple([point, point]).nullable()),
});
const predictionFile = z.array(z.array(point.nullable()).nullable());

/** @throws UserError 'data' that names the file and what is wrong with it */
export async function readPckhTruth(file: string): Promise<PckhTruth> {
  const truth = file.endsWith('.mat') ? truthFromMat(file) : truthFromJson(await readJson(file), file);
  const missing = MPII_JOINTS.filter((name) => !truth.jointNames.includes(name));
  if (missing.length > 0) {
    throw problem(
      file,
      `the joint names lack ${missing.join(', ')}: PCKh's table is made of MPII's joints, by HRNet's names.`,
    );
  }
  requireShape(file, truth);
  return truth;
}

/**
 * @param truth of the same people in the same order
 * @throws UserError 'data' that names the file and what is wrong with it
 */
export async function readPckhPredictions(file: string, truth: PckhTruth): Promise<PckhPredictions> {
  const predictions = file.endsWith('.mat')
    ? predictionsFromMat(file)
    : parsed(predictionFile, await readJson(file), file);
  const [people, joints] = [truth.joints.length, truth.jointNames.length];
  if (predictions.length !== people) {
    throw problem(
      file,
      `it has predictions of ${predictions.length} people, the ground truth has ${people}. PCKh compares them in ` +
        'order: write one for every person of the ground truth, null where nothing was predicted.',
    );
  }
  predictions.forEach((person, p) => {
    if (person && person.length !== joints)
      throw problem(file, `person ${p} has ${person.length} joints; expected ${joints}.`);
  });
  return predictions;
}

function parsed<T>(schema: z.ZodType<T>, content: unknown, file: string): T {
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  const {path, message} = result.error.issues[0];
  const place = path.map((key) => (typeof key === 'number' ? `[${key}]` : String(key))).join('');
  throw problem(file, `${place || 'the file'}: ${message}. docs/metrics.md shows the layout for PCKh.`);
}

function truthFromJson(content: unknown, file: string): PckhTruth {
  const truth = parsed(truthFile, content, file);
  return {
    jointNames: truth.joint_names,
    joints: truth.gt_joints,
    missing: truth.missing,
    headBoxes: truth.head_boxes,
  };
}

function requireShape(file: string, {jointNames, joints, missing, headBoxes}: PckhTruth): void {
  if (missing.length !== joints.length || headBoxes.length !== joints.length) {
    throw problem(
      file,
      `it has the joints of ${joints.length} people, "missing" of ${missing.length} and head boxes of ${headBoxes.length}.`,
    );
  }
  joints.forEach((person, p) => {
    if (person.length !== jointNames.length || missing[p].length !== jointNames.length)
      throw problem(file, `person ${p} does not have ${jointNames.length} joints, one for each name.`);
  });
}

function array(variables: ReadonlyMap<string, MatVariable>, name: string, file: string): MatArray {
  const variable = variables.get(name);
  if (variable && 'shape' in variable) return variable;
  const known = [...variables.keys()].join(', ');
  throw problem(file, `it has no numeric array "${name}"; it has ${known || 'nothing'}.`);
}

/** `jnt_missing` [joints, people], `pos_gt_src` [joints, 2, people], `headboxes_src` [2, 2, people]. */
function truthFromMat(file: string): PckhTruth {
  const variables = readMatFile(file);
  const names = variables.get('dataset_joints');
  if (!Array.isArray(names)) throw problem(file, 'it has no cell "dataset_joints" with the joint names.');
  const positions = array(variables, 'pos_gt_src', file);
  const missing = array(variables, 'jnt_missing', file);
  const boxes = array(variables, 'headboxes_src', file);
  const [joints, , people] = positions.shape;
  const perPerson = <T>(value: (p: number) => T) => Array.from({length: people}, (_, p) => value(p));
  const perJoint = <T>(value: (k: number) => T) => Array.from({length: joints}, (_, k) => value(k));
  return {
    jointNames: names,
    joints: perPerson((p) =>
      perJoint((k) => [0, 1].map((axis) => positions.values[k + joints * (axis + 2 * p)])),
    ),
    missing: perPerson((p) => perJoint((k) => missing.values[k + joints * p])),
    headBoxes: perPerson((p) =>
      [0, 1].map((corner) => [0, 1].map((axis) => boxes.values[corner + 2 * (axis + 2 * p)])),
    ),
  };
}

/** `preds` [people, joints, 2 or 3]. */
function predictionsFromMat(file: string): PckhPredictions {
  const {shape, values} = array(readMatFile(file), 'preds', file);
  const [people, joints] = shape;
  return Array.from({length: people}, (_, p) =>
    Array.from({length: joints}, (_, k) => [0, 1].map((axis) => values[p + people * (k + joints * axis)])),
  );
}
