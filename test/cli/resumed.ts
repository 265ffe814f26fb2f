/** @file A run that is stopped and gone on with, beside one that is not. */
import {readFileSync} from 'node:fs';
import {expect} from 'vitest';
import {runCommandLine} from './process.js';
import type {TinyRun} from './tinyRun.js';

/** Trains by `${name}.yaml` for an epoch, goes on, and expects the weights of a run without a stop. */
export async function expectSameWhenResumed(folder: TinyRun, name: string): Promise<void> {
  const train = (...args: string[]) =>
    runCommandLine('pose-train', ['--cfg', `${name}.yaml`, ...args], folder.path);
  const ended = [
    await train('train.epochs=1'),
    await train('--resume'),
    await train(`name=straight_${name}`),
  ];
  for (const {code, stderr} of ended) expect({code, stderr}).toEqual({code: 0, stderr: ''});
  const weights = (run: string) =>
    readFileSync(folder.at(`output/${run}/checkpoints/step-00000006/model.safetensors`));
  expect(weights(name).equals(weights(`straight_${name}`))).toBe(true);
}
