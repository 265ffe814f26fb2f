#!/usr/bin/env node
// Everything that a checkout needs before it runs, in order: packages, libtorch, the addon, the compile. Uses
// Node's built-ins only. Each step is skipped when what it makes is there and up to date.
import {fileURLToPath} from 'node:url';
import {buildAddon} from './setup/addon.mjs';
import {compile} from './setup/compile.mjs';
import {installPackages} from './setup/packages.mjs';
import {SetupError} from './setup/steps.mjs';

/** Runs the whole set-up; ends the process with status 1 and a clear message when a step fails. */
export async function setUp() {
  try {
    installPackages();
    await buildAddon();
    compile();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`setup: ${error.message}\n`);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setUp();
