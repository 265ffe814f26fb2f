/** @file What a pickle can hold once it is read: plain data, and the objects that an allow-list makes. */

/** A Python tuple, apart from lists. */
export class Tuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** An object that a `PickleGlobal` made. */
export abstract class PickledObject {
  abstract readonly kind: string;
}

/** What a pickle refers to by `module.name`: a function from plain data to plain data, never code of the file's. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    readonly call: (args: readonly PickleValue[]) => PickleValue,
  ) {}
}

export type PickleDict = Map<PickleValue, PickleValue>;
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Tuple
  | PickledObject
  | PickleGlobal
  | PickleValue[]
  | PickleDict
  | Set<PickleValue>;

/** What the machine asks its caller. */
export interface PickleHost {
  /** The object called `name`; throws a FormatError for any that is not allowed. */
  find(name: string): PickleGlobal;
  /** The object behind a persistent id. */
  persistent(id: PickleValue): PickleValue;
  /** Sets the state of an object that a global made; throws a FormatError where that is not allowed. */
  build(target: PickleValue, state: PickleValue): void;
}
