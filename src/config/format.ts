/** @file A configuration as YAML: plain for a run's folder, and with the origin of every value for people. */
import {dump} from 'js-yaml';
import type {Config} from './schema.js';

/** A YAML file that gives the same run. */
export function dumpConfig(config: Config): string {
  return dump(config, {lineWidth: 110});
}

/** The same with a comment behind every value on where it was set. */
export function formatConfig(config: Config, sources: ReadonlyMap<string, string>): string {
  const rows = rowsOf(config, '', 0, sources);
  const width = Math.min(60, Math.max(...rows.map(([text]) => text.length)));
  return rows
    .map(([text, source]) => (source === '' ? text : `${text.padEnd(width)}  # ${source}`))
    .join('\n');
}

function rowsOf(
  values: object,
  path: string,
  depth: number,
  sources: ReadonlyMap<string, string>,
): [text: string, source: string][] {
  return Object.entries(values).flatMap(([key, value]): [string, string][] => {
    const below = path === '' ? key : `${path}.${key}`;
    const indent = '  '.repeat(depth);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return [[`${indent}${key}:`, ''], ...rowsOf(value, below, depth + 1, sources)];
    }
    const text = dump(value, {flowLevel: 0, lineWidth: -1}).trim();
    return [[`${indent}${key}: ${text}`, sources.get(below) ?? 'default']];
  });
}
