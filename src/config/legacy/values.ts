/** @file Values as HRNet's files and command line have them: YAML, and text in it that is a Python literal. */
import {load as parseYaml, YAMLException} from 'js-yaml';

const NAMES: Readonly<Record<string, boolean | null>> = {True: true, False: false, None: null};
const NUMBER = /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i;
/** `(0, 1)` and `[0, 1]`; a tuple needs no brackets, but a comma. */
const BRACKETED = /^\(([^()]*)\)$|^\[(.*)\]$/s;
const NUMBERS_WITH_COMMAS = /^\d+(\s*,\s*\d+)*\s*,?$/;
const QUOTED = /^'([^']*)'$|^"([^"]*)"$/;

/**
 * What Python's `literal_eval` makes of a text, as yacs applies it to every text of a file and of the command line; text
 * that is no literal stays what it is. Tuples become lists.
 */
export function fromPython(text: string): unknown {
  const plain = text.trim();
  if (Object.hasOwn(NAMES, plain)) return NAMES[plain];
  if (NUMBER.test(plain)) return Number(plain);
  const quoted = QUOTED.exec(plain);
  if (quoted) return quoted[1] ?? quoted[2];
  const bracketed = BRACKETED.exec(plain);
  const items = bracketed ? (bracketed[1] ?? bracketed[2]) : NUMBERS_WITH_COMMAS.test(plain) ? plain : null;
  if (items === null || !(bracketed || items.includes(','))) return text;
  try {
    return decoded(parseYaml(`[${items}]`, {maxAliases: 0}));
  } catch (error) {
    if (error instanceof YAMLException) return text;
    throw error;
  }
}

/** The same for every text in a value. */
export function decoded(value: unknown): unknown {
  if (typeof value === 'string') return fromPython(value);
  if (Array.isArray(value)) return value.map(decoded);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, decoded(member)]));
}
