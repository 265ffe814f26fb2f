// The TypeScript of src/ into dist/.
import {existsSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {digest, filesBelow, isDone, markDone, ROOT, run, say, seconds} from './steps.mjs';

export function compile() {
  const sources = filesBelow(join(ROOT, 'src')).filter((file) => file.endsWith('.ts'));
  const facts = digest([...sources, join(ROOT, 'tsconfig.json'), join(ROOT, 'tsconfig.build.json')]);
  const stamp = join(ROOT, 'dist', '.stamp');
  if (existsSync(join(ROOT, 'dist')) && isDone(stamp, facts)) return say('compile', 'up to date');
  const start = performance.now();
  // A file that was deleted from src/ must not live on in dist/.
  rmSync(join(ROOT, 'dist'), {recursive: true, force: true});
  run('npx', ['tsc', '-p', 'tsconfig.build.json'], {
    fix: 'The TypeScript in src/ does not compile: mend the lines named above.',
  });
  markDone(stamp, facts);
  say('compile', `compiled in ${seconds(start)}`);
}
