/** @file The configuration of a command: its file, its overrides, and options that stand for overrides. */
import type {Argv} from 'yargs';
import {type LoadedConfig, loadConfig} from '../config/load.js';
import {overridesOf} from './command.js';

/** Options that only say otherwise what an override says: `--device cpu` is `device=cpu`. */
const SHORTCUTS = ['device', 'backend', 'seed'] as const;

interface Parsed {
  readonly cfg?: string;
  readonly _: readonly (string | number)[];
  readonly device?: string;
  readonly backend?: string;
  readonly seed?: string;
}

/** An option that needs a value. */
export const textOption = (describe: string) => ({type: 'string', requiresArg: true, describe}) as const;

export function withConfigOptions<T>(argv: Argv<T>) {
  return argv
    .option('cfg', textOption('the YAML file of the run'))
    .option('device', textOption('auto, cpu or cuda'))
    .option(
      'backend',
      textOption('torch (libtorch), tensorflow (a package of your own) or cpu (JavaScript, slow)'),
    )
    .option('seed', textOption('of every random draw'));
}

/** Of a file with HRNet's keys, what its translation leaves out is said on the way. */
export function configOf(cfg: string, parsed: Parsed): LoadedConfig {
  const loaded = loadConfig(cfg, configArguments(parsed));
  if (loaded.legacy) process.stderr.write(`note: ${loaded.legacy.note}\n`);
  return loaded;
}

/** All that a command line says about the configuration, as overrides. */
export function configArguments(parsed: Parsed): string[] {
  const shortcuts = SHORTCUTS.filter((key) => parsed[key] !== undefined).map(
    (key) => `${key}=${parsed[key]}`,
  );
  return [...overridesOf(parsed._), ...shortcuts];
}
