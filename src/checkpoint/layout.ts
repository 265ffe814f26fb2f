/** @file The names inside a run's `checkpoints/` folder, and the scan for its steps. */
import {readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {systemErrorCode} from './files.js';

export const MODEL_FILE = 'model.safetensors';
export const EMA_FILE = 'ema.safetensors';
export const OPTIMIZER_FILE = 'optimizer.safetensors';
export const STATE_FILE = 'state.json';
export const MANIFEST_FILE = 'MANIFEST.json';

/** A finished checkpoint's folder. */
export interface StepFolder {
  readonly step: number;
  readonly path: string;
}

/** `step-00012000` */
export function stepFolderName(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}

/** The step of a checkpoint folder's name; null for any other name, as those of temporary and corrupt folders. */
export function stepOf(name: string): number | null {
  const digits = /^step-(\d{1,15})$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** The folder's checkpoints, the highest step first. Dates play no part; files and links are passed over. */
export async function listSteps(folder: string): Promise<StepFolder[]> {
  const entries = await readdir(folder, {withFileTypes: true}).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  });
  const steps: StepFolder[] = [];
  for (const entry of entries) {
    const step = stepOf(entry.name);
    if (step !== null && entry.isDirectory()) steps.push({step, path: join(folder, entry.name)});
  }
  return steps.sort((a, b) => b.step - a.step);
}
