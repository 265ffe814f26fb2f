/** @file Tiny runs in a folder, disturbed and undisturbed, and what must be equal between them. */
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'vitest';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';
import {type Ended, launcher, startNode} from '../cli/process.js';
import {RECIPE, TinyRun} from '../cli/tinyRun.js';

const FAULTS = join(PACKAGE_ROOT, 'test', 'faults');
const SMALL = 'small.yaml';
/** Still every kind of layer, but little of each: a run takes less time than the start of its process. */
const SMALL_TEXT = `extends: ${RECIPE}
model:
  backbone:
    stemChannels: 8
    stage1: {blocks: 1, channels: 8}
loader: {workers: 0}
eval: {flipTest: false}
`;

/** `npm run test:faults -- --full` runs all the cases; otherwise those that suffice to notice a change. */
export const IS_FULL = process.env.POSECRAFT_FAULTS === 'full';
/** Of a list of cases those at `quick`, or all. */
export function cases<T>(all: readonly T[], ...quick: number[]): T[] {
  return IS_FULL ? [...all] : quick.map((i) => all[i]);
}

/** What fault.mjs does, and when. */
export interface Fault {
  /** `kill`, a signal, …, or the code of a system error. */
  readonly do: string;
  readonly op: string;
  /** A pattern for the path. */
  readonly path: string;
  readonly when?: 'before' | 'half' | 'after';
  /** At which time it happens in a thread; at every time unless given. */
  readonly nth?: number;
}

export interface Job {
  readonly overrides?: readonly string[];
  readonly resume?: boolean;
  readonly allow?: readonly string[];
  /** A file, and what is added to it before the run. */
  readonly append?: readonly [file: string, text: string];
  readonly stop?: {readonly step?: number; readonly validation?: number; readonly epoch?: number};
}

export interface Outcome {
  readonly code: number;
  readonly message?: string;
  readonly stack?: string;
}

/** What depends on the time and not on the run. */
const TIME_FIELDS = ['imagesPerSecond', 'dataWaitShare'];
const STEP = /^step-\d+$/;

export class FaultRuns extends TinyRun {
  static override async create(): Promise<FaultRuns> {
    const folder = await TinyRun.fill(new FaultRuns());
    writeFileSync(folder.at(SMALL), SMALL_TEXT);
    return folder;
  }

  /** Node's arguments for `pose-train`, with a fault where one is given. */
  #command(overrides: readonly string[], fault: Fault | null): string[] {
    const preload = fault ? ['--import', join(FAULTS, 'fault.mjs')] : [];
    return [...preload, launcher('pose-train'), '--cfg', SMALL, ...overrides];
  }

  /** Starts `pose-train` in a process of its own. */
  start(overrides: readonly string[], fault: Fault | null = null, nodeOptions: readonly string[] = []) {
    const environment: Record<string, string> = fault ? {POSE_FAULT: JSON.stringify(fault)} : {};
    return startNode([...nodeOptions, ...this.#command(overrides, fault)], this.path, environment);
  }

  /** Runs `pose-train` to its end, whatever that is. */
  train(overrides: readonly string[], fault: Fault | null = null): Promise<Ended> {
    return this.start(overrides, fault).ended;
  }

  /** Its command line, for a shell. */
  shellCommand(...overrides: string[]): string {
    const quoted = [process.execPath, ...this.#command(overrides, null)].map((part) => `'${part}'`);
    return quoted.join(' ');
  }

  /** Runs after one another in one process. */
  async drive(jobs: readonly Job[]): Promise<Outcome[]> {
    const target = this.at('outcomes.json');
    const args = [join(FAULTS, 'drive.mjs'), SMALL, JSON.stringify(jobs), target];
    const {code, stderr} = await startNode(args, this.path).ended;
    if (code !== 0) throw new Error(`the driver ended with ${code}: ${stderr}`);
    return JSON.parse(readFileSync(target, 'utf8')) as Outcome[];
  }

  /** The steps that a run has saved. */
  steps(run: string): number[] {
    const names = this.list(`output/${run}/checkpoints`).filter((name) => STEP.test(name));
    return names.map((name) => Number(name.slice('step-'.length)));
  }

  /** The log of a run without what depends on the time. */
  events(run: string): Record<string, unknown>[] {
    const lines = this.read(`output/${run}/metrics.jsonl`).trimEnd().split('\n');
    return lines.map((line) => {
      const entries = Object.entries(JSON.parse(line) as Record<string, unknown>);
      return Object.fromEntries(entries.filter(([key]) => !TIME_FIELDS.includes(key)));
    });
  }

  /** The weights, averages and moments at the run's last step, by file. */
  #arrays(run: string): Record<string, string> {
    const step = this.steps(run).at(-1)!;
    const folder = `output/${run}/checkpoints/step-${String(step).padStart(8, '0')}`;
    const files = this.list(folder).filter((name) => name.endsWith('.safetensors'));
    return Object.fromEntries([
      ['step', String(step)],
      ...files.map((name) => [name, readFileSync(this.at(`${folder}/${name}`)).toString('latin1')]),
    ]);
  }

  /** A run came to the very end that another came to, and left nothing lying about. */
  expectSame(run: string, straight: string): void {
    const [actual, expected] = [this.#arrays(run), this.#arrays(straight)];
    // Not `toEqual`, which would print the files.
    const differing = Object.keys({...actual, ...expected}).filter((name) => actual[name] !== expected[name]);
    expect(differing, `${run} and ${straight} differ`).toEqual([]);
    expect(this.events(run)).toEqual(this.events(straight));
    this.expectTidy(run);
  }

  /** No temporaries, no lock. */
  expectTidy(run: string): void {
    const names = readdirSync(this.at(`output/${run}`), {recursive: true}).map(String);
    expect(names.filter((name) => name.includes('tmp') || name === 'LOCK')).toEqual([]);
  }
}
