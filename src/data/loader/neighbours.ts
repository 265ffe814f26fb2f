/** @file Who else is on a person's image. */
import {groupBy} from '../../grouping.js';
import type {Person} from '../types.js';

export class Neighbours {
  /** Indices of the people of each image; made when it is first asked for, in large datasets late. */
  #byImage: Map<string, number[]> | null = null;

  constructor(private readonly people: readonly Person[]) {}

  /** The keypoints of everybody else on the image of person `index`. */
  of(index: number): (readonly number[])[] {
    this.#byImage ??= groupBy(this.people.keys(), (at) => this.people[at].imageFile);
    const all = this.#byImage.get(this.people[index].imageFile)!;
    return all.filter((other) => other !== index).map((other) => this.people[other].keypoints);
  }
}
