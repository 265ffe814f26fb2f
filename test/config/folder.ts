/** @file A folder of configuration files, made for one test file. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/** The least that a configuration must say. */
export const SMALLEST = `name: tiny
model:
  name: tiny
  input: [64, 32]
  backbone:
    type: hrnet
    stage2: {modules: 1, blocks: [1, 1], channels: [4, 8]}
    stage3: {modules: 1, blocks: [1, 1, 1], channels: [4, 8, 16]}
    stage4: {modules: 1, blocks: [1, 1, 1, 1], channels: [4, 8, 16, 32]}
  head: {type: heatmap, sigma: 2}
dataset:
  root: data
  train: {annotations: train.json, images: train}
  val: {annotations: val.json, images: val}
`;

export class ConfigFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'config-'));

  /** @returns the file's path */
  write(name: string, content: string | Uint8Array): string {
    const file = join(this.path, name);
    writeFileSync(file, content);
    return file;
  }

  remove(): void {
    rmSync(this.path, {recursive: true});
  }
}
