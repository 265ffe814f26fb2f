/** @file pycocotools in TypeScript: the API that its users know, held to its numbers. */
export {type AnnotationQuery, type CategoryQuery, COCO, type Ids} from './coco.js';
export {type Accumulated, COCOeval, type KeypointStats} from './cocoEval.js';
export type {CheckedDataset} from './dataset.js';
export type {ImageEvaluation} from './evaluateImage.js';
export {explainFigures, explainMinusOne} from './explain.js';
export type {IouType, Params} from './params.js';
export type {Stats} from './summary.js';
export type {CocoAnnotation, CocoCategory, CocoDataset, CocoImage, CocoResult} from './types.js';
