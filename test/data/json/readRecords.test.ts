/** @file Files cut into their records: whatever the pieces, whatever stands in the texts, what JSON.parse would give. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import fc from 'fast-check';
import {afterAll, describe, expect, it} from 'vitest';
import {textWithoutPolygons} from '../../../src/data/json/polygons.js';
import {JsonDocument, readRecords, readRecordsSync} from '../../../src/data/json/readRecords.js';
import {JsonError, RecordSplitter} from '../../../src/data/json/recordSplitter.js';

const folder = mkdtempSync(join(tmpdir(), 'records-'));
afterAll(() => rmSync(folder, {recursive: true}));

/** The document put together again from pieces of so many bytes. */
function inPieces(text: string | Buffer, size: number): unknown {
  const document = new JsonDocument();
  const splitter = new RecordSplitter((key, index, bytes) =>
    document.add(key, index, JSON.parse(bytes.toString())),
  );
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) splitter.push(Buffer.from(bytes.subarray(at, at + size)));
  splitter.end();
  return document.value(splitter);
}

const texts = fc.oneof(
  fc.string(),
  fc.constantFrom('"', '\\', '\\"', '[', ']', '{', '}', ',', ':', '\u{1f3c3}', 'ä'),
);
const scalars = fc.oneof(
  texts,
  fc.integer(),
  fc.double({noNaN: true, noDefaultInfinity: true}),
  fc.boolean(),
  fc.constant(null),
);
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    {depthSize: 'small'},
    scalars,
    fc.array(tie('value'), {maxLength: 4}),
    fc.dictionary(texts, tie('value'), {maxKeys: 4}),
  ),
})).value;
const documents = fc.oneof(fc.array(values), fc.dictionary(texts, values));

describe('a document', () => {
  it('comes out as JSON.parse reads it, whatever the pieces and the white space', () => {
    fc.assert(
      fc.property(
        documents,
        fc.integer({min: 1, max: 40}),
        fc.constantFrom(undefined, 1, '\t'),
        (document, size, space) => {
          const text = JSON.stringify(document, null, space);
          expect(inPieces(text, size)).toEqual(JSON.parse(text));
        },
      ),
      {numRuns: 500},
    );
  });

  it('with long lists of numbers comes out whole at every piece', () => {
    const polygon = Array.from({length: 60}, (_, i) => i * 1.5);
    const text = JSON.stringify({
      annotations: [{segmentation: [polygon, polygon], id: 1}, {a: [polygon, 'a]"b', [[]]]}],
    });
    for (const size of [1, 7, 64, 100, 5000]) expect(inPieces(text, size)).toEqual(JSON.parse(text));
  });

  it('may begin with a byte order mark', () => {
    expect(inPieces(`\ufeff{"a": [1]}`, 3)).toEqual({a: [1]});
  });

  it('is never taken for whole where JSON.parse refuses it', () => {
    const damage = fc.record({document: documents, at: fc.nat(), byte: fc.constantFrom(...'{}[],:"x ')});
    fc.assert(
      fc.property(damage, fc.integer({min: 1, max: 40}), ({document, at, byte}, size) => {
        const text = JSON.stringify(document);
        const place = at % text.length;
        // As bytes: half of a surrogate pair is no text.
        const damaged = Buffer.from(text.slice(0, place) + byte + text.slice(place + 1)).toString();
        let expected: unknown = JsonError;
        try {
          expected = JSON.parse(damaged);
        } catch {}
        let found: unknown = JsonError;
        try {
          found = inPieces(damaged, size);
        } catch {}
        // A member that occurs twice, and a document that is a single value, are refused here alone.
        if (expected === JsonError) expect(found).toBe(JsonError);
        else if (found !== JsonError) expect(found).toEqual(expected);
      }),
      {numRuns: 1000},
    );
  });
});

describe('a file', () => {
  const write = (text: string): string => {
    const file = join(folder, 'file.json');
    writeFileSync(file, text);
    return file;
  };

  it('tells NaN and Infinity apart from damage', async () => {
    const seen: unknown[] = [];
    const file = write('{"a": [{"x": NaN}, {"x": -Infinity, "y": "NaN"}, {"x": 1}], "b": 2}');
    const {lists} = await readRecords(file, (key, index, value) => seen.push([key, index, value]));
    expect(seen).toEqual([
      ['a', 0, undefined],
      ['a', 1, undefined],
      ['a', 2, {x: 1}],
      ['b', null, 2],
    ]);
    expect(lists).toEqual(new Set(['a']));
  });

  it.each([
    ['{"a": [{"x": 1 2}]}', /file\.json: is not JSON \(a\[0\]: .*It may be incomplete/],
    ['{"a": [1], "a": [2]}', /member "a" occurs twice/],
    ['{"a": [1]', /ends early, after 9 bytes/],
    ['', /it is empty/],
  ])('that is damaged is a data error with its name: %s', async (text, message) => {
    const file = write(text);
    await expect(readRecords(file, () => {})).rejects.toMatchObject({
      kind: 'data',
      message: expect.stringMatching(message),
    });
    expect(() => readRecordsSync(file, () => {})).toThrow(message);
  });

  it('that is missing or a folder is a data error', async () => {
    await expect(readRecords(join(folder, 'none'), () => {})).rejects.toThrow(
      /none: cannot be read.*Correct the path/,
    );
    expect(() => readRecordsSync(folder, () => {})).toThrow(/cannot be read/);
  });
});

describe('a record without its polygons', () => {
  it.each([
    ['{"segmentation": [[1, 2], [3]], "id": 1}', {segmentation: null, id: 1}],
    [
      '{"id":1,"segmentation":[[1,2]],"area":2.5,"b":[[1]]}',
      {id: 1, segmentation: null, area: 2.5, b: [[1]]},
    ],
    ['{"id":1,"segmentation": [\n [1,\n2]\n]\n, "a": 3}', {id: 1, segmentation: null, a: 3}],
  ])('has all the rest: %s', (text, expected) => {
    expect(JSON.parse(textWithoutPolygons(Buffer.from(text)))).toEqual(expected);
  });

  it.each([
    '{"segmentation": {"counts": [1, 2], "size": [3, 4]}, "id": 1}',
    '{"segmentation": [], "id": 1}',
    '{"id": 1, "segmentation": [[1, 2]]}',
    '{"name": "\\"segmentation\\": [[1]]", "id": 1}',
    '{"id": 1}',
  ])('is left as it is where there is nothing to take out: %s', (text) => {
    expect(textWithoutPolygons(Buffer.from(text))).toBe(text);
  });
});
