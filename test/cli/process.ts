/** @file Runs the commands as a user does: real processes of the compiled program. */
import {type ChildProcess, spawn} from 'node:child_process';
import {join} from 'node:path';
import {PACKAGE_ROOT} from '../../src/packagePaths.js';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Starts Node with these arguments in a folder; `environment` is added to this process's. */
export function startNode(
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>> = {},
): Started {
  const env = {...process.env, ...environment};
  const child = spawn(process.execPath, args, {cwd, env, stdio: ['ignore', 'pipe', 'pipe']});
  const output = {stdout: '', stderr: ''};
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({code, ...output}));
  });
  return {child, ended};
}

/** Runs Node with these arguments in a folder. */
export function runNode(args: readonly string[], cwd: string): Promise<Ended> {
  return startNode(args, cwd).ended;
}

/** The launcher of a command. */
export function launcher(name: string): string {
  return join(PACKAGE_ROOT, 'bin', `${name}.js`);
}

/** Runs a command of the package in a folder. */
export function runCommandLine(name: string, args: readonly string[], cwd: string): Promise<Ended> {
  return runNode([launcher(name), ...args], cwd);
}
