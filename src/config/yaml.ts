/** @file Reads a YAML file and remembers on which line every key and list item stands. */
import {readFileSync} from 'node:fs';
import {EVENT_ID, type Event, getScalarValue, load, parseEvents, YAMLException} from 'js-yaml';
import {UserError} from '../errors.js';

export interface YamlFile {
  readonly content: Record<string, unknown>;
  /** Dotted path (`model.head.sigma`, `extends.0`) -> line, counted from 1. */
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
    const content = load(source, {filename: file, maxAliases: MOST_ALIASES});
    if (typeof content !== 'object' || content === null || Array.isArray(content)) {
      throw new UserError('usage', `${file}: the file must be a mapping of keys to values.`);
    }
    const lines = new LineFinder(parseEvents(source, {filename: file}), source, file).find();
    return {content: content as Record<string, unknown>, lines};
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const line = error.mark ? `:${error.mark.line + 1}` : '';
    throw new UserError('usage', `${file}${line}: ${error.reason}.`, {cause: error});
  }
}

/** Walks the parser's events in step with the structure that they describe; its depth is limited by the parser. */
class LineFinder {
  readonly #lines = new Map<string, number>();
  /** Anchors of the mappings and lists around the current event. */
  readonly #openAnchors = new Set<string>();
  #next = 1; // The first event opens the document.
  #offset = 0;
  #line = 1;

  constructor(
    readonly events: readonly Event[],
    readonly source: string,
    readonly file: string,
  ) {}

  find(): Map<string, number> {
    this.#value('');
    return this.#lines;
  }

  /** Offsets must not decrease from call to call: the text is walked through once. */
  #lineAt(offset: number): number {
    for (; this.#offset < offset; this.#offset++) {
      if (this.source[this.#offset] === '\n') this.#line++;
    }
    return this.#line;
  }

  #value(path: string): void {
    const event = this.events[this.#next++];
    if (event.type === EVENT_ID.ALIAS) this.#requireClosed(event.anchorStart, event.anchorEnd);
    if (event.type !== EVENT_ID.MAPPING && event.type !== EVENT_ID.SEQUENCE) return;
    const anchor = this.source.slice(event.anchorStart, event.anchorEnd);
    if (event.anchorStart >= 0) this.#openAnchors.add(anchor);
    if (event.type === EVENT_ID.MAPPING) this.#members(path);
    else this.#items(path);
    this.#openAnchors.delete(anchor);
  }

  #requireClosed(start: number, end: number): void {
    const anchor = this.source.slice(start, end);
    if (!this.#openAnchors.has(anchor)) return;
    const line = this.#lineAt(start);
    throw new UserError('usage', `${this.file}:${line}: "*${anchor}" refers to a value that it is part of.`);
  }

  #members(path: string): void {
    while (this.events[this.#next].type !== EVENT_ID.POP) {
      const key = this.events[this.#next++];
      if (key.type !== EVENT_ID.SCALAR) {
        throw new UserError('usage', `${this.file}:${this.#line}: keys must be plain names.`);
      }
      const below = pathBelow(path, getScalarValue(this.source, key));
      this.#lines.set(below, this.#lineAt(key.valueStart));
      this.#value(below);
    }
    this.#next++;
  }

  #items(path: string): void {
    for (let i = 0; this.events[this.#next].type !== EVENT_ID.POP; i++) {
      const below = pathBelow(path, String(i));
      this.#lines.set(below, this.#lineAt(startOf(this.events[this.#next])));
      this.#value(below);
    }
    this.#next++;
  }
}

/** `pathBelow('model.head', 'sigma')` is `model.head.sigma`. */
export function pathBelow(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function startOf(event: Event): number {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart;
  if (event.type === EVENT_ID.ALIAS) return event.anchorStart;
  if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) return event.start;
  return 0;
}

/** The entry of a dotted path, else that of the nearest section around it. */
export function nearestAbove<T>(entries: ReadonlyMap<string, T>, path: string): T | undefined {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const entry = entries.get(at);
    if (entry !== undefined) return entry;
  }
  return undefined;
}
