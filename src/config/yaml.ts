/** @file Reads a YAML file and remembers on which line every value stands. */
import {readFileSync} from 'node:fs';
import {constructFromEvents, EVENT_ID, type Event, getScalarValue, parseEvents, YAMLException} from 'js-yaml';
import {UserError} from '../errors.js';

export interface YamlFile {
  readonly content: Record<string, unknown>;
  /** Dotted path (`model.head.sigma`) -> line, counted from 1. */
  readonly lines: ReadonlyMap<string, number>;
}

/** More references than a configuration needs, fewer than it takes to blow one up. */
const MOST_ALIASES = 32;

function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new UserError('usage', `${file}: ${reason}.`, {cause: error});
  }
  try {
    // Drops a byte order mark.
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch (error) {
    throw new UserError('usage', `${file}: is not UTF-8 text. Save it as UTF-8.`, {cause: error});
  }
}

/** @throws UserError with file and line if the file is missing or is not a YAML mapping */
export function readYaml(file: string): YamlFile {
  const source = readText(file);
  try {
    const events = parseEvents(source, {filename: file});
    const [content] = constructFromEvents(events, {source, filename: file, maxAliases: MOST_ALIASES});
    if (typeof content !== 'object' || content === null || Array.isArray(content)) {
      throw new UserError('usage', `${file}: the file must be a mapping of keys to values.`);
    }
    return {content: content as Record<string, unknown>, lines: linesOf(events, source, file)};
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const line = error.mark ? `:${error.mark.line + 1}` : '';
    throw new UserError('usage', `${file}${line}: ${error.reason}.`, {cause: error});
  }
}

/** The line of every key's value, by walking the parser's events in step with the structure they describe. */
function linesOf(events: readonly Event[], source: string, file: string): Map<string, number> {
  const lines = new Map<string, number>();
  let next = 1; // The first event opens the document.
  const lineAt = (offset: number): number => source.slice(0, offset).split('\n').length;
  const below = (path: string, key: string | number): string => (path === '' ? `${key}` : `${path}.${key}`);

  function mapping(path: string): void {
    while (events[next].type !== EVENT_ID.POP) {
      const key = events[next++];
      if (key.type !== EVENT_ID.SCALAR) throw new UserError('usage', `${file}: keys must be plain names.`);
      const name = getScalarValue(source, key);
      const line = lineAt(key.valueStart);
      if (name === '__proto__') throw new UserError('usage', `${file}:${line}: unknown key "__proto__".`);
      lines.set(below(path, name), line);
      value(below(path, name));
    }
    next++;
  }

  function sequence(path: string): void {
    for (let i = 0; events[next].type !== EVENT_ID.POP; i++) value(below(path, i));
    next++;
  }

  function value(path: string): void {
    const event = events[next++];
    if (event.type === EVENT_ID.MAPPING) mapping(path);
    else if (event.type === EVENT_ID.SEQUENCE) sequence(path);
  }

  value('');
  return lines;
}
