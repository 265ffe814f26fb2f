/** @file Where this package's own files are: its root, and the compiled form of a source module. */
import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

/** The package's root folder: the parent of `src/` and of `dist/`. */
export const PACKAGE_ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * The compiled file of a module given by its path below `src/`, without extension (`data/loader/worker`).
 * Worker threads start from compiled files also when the caller runs from TypeScript, as tests do.
 */
export function compiledModule(path: string): URL {
  return new URL(`file://${join(PACKAGE_ROOT, 'dist', `${path}.js`)}`);
}

/** The package's version. */
export function packageVersion(): string {
  const {version}: {version: string} = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'));
  return version;
}
