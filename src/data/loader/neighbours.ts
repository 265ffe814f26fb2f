/** @file Who else is on a person's image. */
import type {Person} from '../types.js';

export class Neighbours {
  /** Indices of the people of each image; made when it is first asked for, in large datasets late. */
  #byImage: Map<string, number[]> | null = null;

  constructor(private readonly people: readonly Person[]) {}

  /** The keypoints of everybody else on the image of person `index`. */
  of(index: number): (readonly number[])[] {
    this.#byImage ??= indicesByImage(this.people);
    const all = this.#byImage.get(this.people[index].imageFile)!;
    return all.filter((other) => other !== index).map((other) => this.people[other].keypoints);
  }
}

function indicesByImage(people: readonly Person[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const [index, {imageFile}] of people.entries()) {
    const indices = found.get(imageFile);
    if (indices) indices.push(index);
    else found.set(imageFile, [index]);
  }
  return found;
}
