/** @file `pose-eval --results`: scores ready COCO keypoint results. */
import {COCO, COCOeval, explainMinusOne} from '../cocoapi/index.js';

/** Prints the ten figures: as pycocotools' table, or as one JSON object. */
export async function scoreResults(results: string, annotations: string, json: boolean): Promise<void> {
  const truth = await COCO.fromFile(annotations);
  const evaluator = new COCOeval(truth, truth.loadRes(results), 'keypoints');
  evaluator.evaluate();
  evaluator.accumulate();
  const table = evaluator.summarize();
  const note = explainMinusOne(evaluator);
  if (note) process.stderr.write(`${note}\n`);
  process.stdout.write(json ? `${JSON.stringify(evaluator.statsObject())}\n` : `${table}\n`);
}
