/** @file Keeps the heatmaps of the people found best and worst, while a validation goes through all of them. */
import {oks} from '../cocoapi/similarity.js';
import type {CropRegion, Person} from '../data/types.js';

/** What the network saw and gave for one person. */
export interface CaseOutput {
  readonly region: CropRegion;
  /** [height, width, keypoints], values from 0 to 1. */
  readonly heatmaps: Float32Array;
  readonly shape: readonly [number, number, number];
}

/** More than are shown: they are ranked anew by the areas of their annotations. */
const KEPT = 16;

interface Found {
  readonly person: Person;
  readonly keypoints: readonly (readonly [number, number, number])[];
}

interface Candidate {
  readonly index: number;
  readonly similarity: number;
}

export class ExtremeCases {
  /** By rising similarity. */
  #worst: Candidate[] = [];
  /** By falling similarity. */
  #best: Candidate[] = [];
  readonly #outputs = new Map<number, CaseOutput>();

  constructor(private readonly sigmas: readonly number[]) {}

  /**
   * Offers one more person.
   * @param index among those offered
   * @param output makes a copy of what the network gave; called only if it is kept
   */
  add(index: number, found: Found, output: () => CaseOutput): void {
    const similarity = similarityInBox(found, this.sigmas);
    if (similarity === null) return;
    const candidate = {index, similarity};
    this.#worst = [...this.#worst, candidate].sort((a, b) => a.similarity - b.similarity).slice(0, KEPT);
    this.#best = [...this.#best, candidate].sort((a, b) => b.similarity - a.similarity).slice(0, KEPT);
    const kept = new Set([...this.#worst, ...this.#best].map((one) => one.index));
    if (kept.has(index)) this.#outputs.set(index, output());
    for (const earlier of this.#outputs.keys()) if (!kept.has(earlier)) this.#outputs.delete(earlier);
  }

  /** What was kept, by index. */
  get outputs(): ReadonlyMap<number, CaseOutput> {
    return this.#outputs;
  }
}

/** OKS with the box's area in place of the annotation's; null where nobody knows how it should be. */
function similarityInBox({person, keypoints}: Found, sigmas: readonly number[]): number | null {
  const {annotationId, box, keypoints: truth} = person;
  if (annotationId === null || !truth.some((value, i) => i % 3 === 2 && value > 0)) return null;
  const place = {id: annotationId, image_id: person.imageId, category_id: 1, iscrowd: 0} as const;
  const annotation = {...place, bbox: [...box], area: box[2] * box[3], keypoints: [...truth]};
  return oks({...annotation, keypoints: keypoints.flat()}, annotation, sigmas);
}
