// Starts a compiled command, or says what is missing.
import {existsSync} from 'node:fs';

export async function launch(name) {
  const command = new URL(`../dist/cli/${name}.js`, import.meta.url);
  if (existsSync(command)) {
    await import(command);
    return;
  }
  process.stderr.write('error: posecraft is not built yet. Run "npm run setup" first.\n');
  process.exitCode = 2;
}
