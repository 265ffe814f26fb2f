/** @file Setting a damaged checkpoint aside, where no scan finds it and a person still can. */
import {stat} from 'node:fs/promises';
import {diskOps, type FileOps} from './files.js';

/**
 * Renames a checkpoint's folder to `<name>.corrupt` (or `.corrupt-2` …).
 * @returns the new path
 */
export async function quarantine(path: string, ops: FileOps = diskOps): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const target = attempt === 1 ? `${path}.corrupt` : `${path}.corrupt-${attempt}`;
    const taken = await stat(target).then(
      () => true,
      () => false,
    );
    if (taken) continue;
    await ops.rename(path, target);
    return target;
  }
}
