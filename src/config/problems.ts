/** @file What the schema found wrong, told as a user needs it: where, which key, what was expected, what stands there. */
import type {z} from 'zod';
import {unknownKey} from './keys.js';
import {pathBelow} from './yaml.js';

/** The longest value that a message quotes in full, in characters. */
const MOST_QUOTED = 80;

/**
 * One line for each problem of an issue.
 * @param tree the values that were checked
 * @param sourceOf where the value at a dotted path was set
 * @param tellUnknown what to say of a key that the schema does not have
 */
export function describeIssue(
  issue: z.core.$ZodIssue,
  tree: unknown,
  sourceOf: (path: string) => string,
  tellUnknown: (key: string) => string = unknownKey,
): string[] {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const full = pathBelow(path, key);
      return `${sourceOf(full)}: ${tellUnknown(full)}`;
    });
  }
  const value = issue.path.reduce<unknown>(
    (node, key) => (node as Record<PropertyKey, unknown> | undefined)?.[key],
    tree,
  );
  if (value === undefined) return [`${sourceOf(path)}: "${path}" is missing.`];
  const message = issue.message.replace(/^Invalid (input|option): /, '');
  return [`${sourceOf(path)}: "${path}" is ${quoted(value)}: ${message}.${hintFor(issue, value)}`];
}

function quoted(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > MOST_QUOTED ? `${text.slice(0, MOST_QUOTED)}…` : text;
}

/** How to mend the slips that YAML invites; empty for others. */
function hintFor(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code !== 'invalid_type') return '';
  const isText = typeof value === 'string';
  if (issue.expected === 'number' && isText && value.trim() !== '' && Number.isFinite(Number(value))) {
    return ' Numbers stand without quotes.';
  }
  if (issue.expected === 'boolean' && isText && /^(yes|no|on|off|true|false)$/i.test(value)) {
    return ' Write true or false, without quotes.';
  }
  if (issue.expected === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
    return ' Put it in quotes to make it text.';
  }
  return '';
}
