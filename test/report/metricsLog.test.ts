import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {UserError} from '../../src/errors.js';
import {type MetricsEvent, MetricsLog, readMetrics} from '../../src/report/metricsLog.js';

const event = (step: number): MetricsEvent => ({type: 'train', step, epoch: 0, loss: 1 / step});

let folder: string;
let file: string;
let warnings: string[];
const open = (truncateTo?: number) => MetricsLog.open(file, truncateTo, (message) => warnings.push(message));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metrics-'));
  file = join(folder, 'run', 'metrics.jsonl');
  warnings = [];
});
afterEach(() => rmSync(folder, {recursive: true}));

describe('the metrics log', () => {
  it('writes one JSON line an event and reads it back', () => {
    const log = open();
    log.append(event(1));
    log.append({type: 'eval', step: 2, epoch: 1, AP: 0.5});
    expect(readFileSync(file, 'utf8')).toBe(
      '{"type":"train","step":1,"epoch":0,"loss":1}\n{"type":"eval","step":2,"epoch":1,"AP":0.5}\n',
    );
    expect(log.byteOffset).toBe(statSync(file).size);
    expect(readMetrics(file)).toEqual([event(1), {type: 'eval', step: 2, epoch: 1, AP: 0.5}]);
  });

  it('goes on behind what an earlier process wrote', () => {
    open().append(event(1));
    open().append(event(2));
    expect(readMetrics(file).map(({step}) => step)).toEqual([1, 2]);
  });

  it('cuts to the checkpoint, so that no step stands there twice', () => {
    const log = open();
    log.append(event(1));
    const ofCheckpoint = log.byteOffset;
    log.append(event(2));
    log.append(event(3));
    const resumed = open(ofCheckpoint);
    expect(resumed.byteOffset).toBe(ofCheckpoint);
    resumed.append(event(2));
    expect(readMetrics(file).map(({step}) => step)).toEqual([1, 2]);
    expect(warnings).toEqual([]);
  });

  it('goes back to a checkpoint while it is open', () => {
    const log = open();
    log.append(event(1));
    const offset = log.byteOffset;
    log.append(event(2));
    log.rewind(offset);
    expect(log.byteOffset).toBe(offset);
    log.append(event(3));
    expect(readMetrics(file)).toEqual([event(1), event(3)]);
    log.rewind(log.byteOffset);
    expect(readMetrics(file)).toHaveLength(2);
  });

  it('begins anew when cut to nothing', () => {
    open().append(event(1));
    expect(open(0).byteOffset).toBe(0);
    expect(statSync(file).size).toBe(0);
  });

  it('drops a last line that a crash tore, and bytes of zero that a power cut left', () => {
    for (const rubbish of ['{"type":"train","st', '\0\0\0\0']) {
      const log = open(0);
      log.append(event(1));
      appendFileSync(file, rubbish);
      expect(readMetrics(file)).toHaveLength(1);
      open().append(event(2));
      expect(readMetrics(file).map(({step}) => step)).toEqual([1, 2]);
    }
  });

  it('says so when the log ends before the checkpoint', () => {
    const log = open();
    log.append(event(1));
    const length = log.byteOffset;
    const resumed = open(length + 50);
    expect(warnings).toEqual([expect.stringContaining('ends 50 bytes before the checkpoint')]);
    expect(resumed.byteOffset).toBe(length);
  });

  it('keeps numbers that JSON does not know', () => {
    const odd = {
      type: 'train',
      step: 1,
      epoch: 0,
      loss: Number.NaN,
      gradient: Number.NEGATIVE_INFINITY,
    } as const;
    open().append(odd);
    expect(readFileSync(file, 'utf8')).toContain('"loss":"NaN","gradient":"-Infinity"');
    expect(readMetrics(file)).toEqual([odd]);
  });

  it('warns once when the disk is full, and writes the waiting lines when there is room again', () => {
    const log = open();
    log.append(event(1));
    renameSync(file, `${file}.real`);
    symlinkSync('/dev/full', file);
    log.append(event(2));
    log.append(event(3));
    log.sync();
    expect(warnings).toEqual([
      expect.stringMatching(/metrics\.jsonl: cannot be written \(ENOSPC.*training goes on/),
    ]);
    const offset = log.byteOffset;
    log.append(event(9));
    log.rewind(offset);
    renameSync(`${file}.real`, file);
    log.append(event(4));
    expect(readMetrics(file).map(({step}) => step)).toEqual([1, 2, 3, 4]);
    expect(log.byteOffset).toBe(statSync(file).size);
    expect(warnings).toHaveLength(1);
  });

  it('goes on when its folder has been removed', () => {
    const log = open();
    rmSync(join(folder, 'run'), {recursive: true});
    log.append(event(1));
    log.append(event(2));
    expect(warnings).toHaveLength(1);
  });

  it('refuses at the start a place where no file can be', () => {
    writeFileSync(join(folder, 'run'), '');
    expect(() => open()).toThrow(
      expect.objectContaining({kind: 'storage', message: expect.stringContaining(file)}),
    );
  });

  it('names the line that is not valid when reading', () => {
    open().append(event(1));
    appendFileSync(file, 'oops\n');
    expect(() => readMetrics(file)).toThrow(`${file}:2: not a line of JSON`);
    expect(() => readMetrics(join(folder, 'none.jsonl'))).toThrow(UserError);
  });
});
