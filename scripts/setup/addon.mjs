// The addon that puts libtorch under TensorFlow.js, compiled for this Node and this libtorch.
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {findLibtorch} from './libtorch.mjs';
import {
  aptInstall,
  ask,
  digest,
  filesBelow,
  isDone,
  isRoot,
  markDone,
  ROOT,
  run,
  SetupError,
  say,
  seconds,
} from './steps.mjs';

const SOURCES = join(ROOT, 'src', 'engine', 'torch', 'native');
const ADDON = join(ROOT, 'build', 'Release', 'posecraft_torch.node');
const STAMP = join(ROOT, 'build', 'addon-stamp');

function needCompilers() {
  const missing = [
    ['cmake', 'cmake'],
    ['g++', 'g++'],
    ['make', 'make'],
  ].filter(([command]) => ask(command, ['--version']) === null);
  if (missing.length === 0) return;
  const packages = missing.map(([, name]) => name);
  if (!isRoot())
    throw new SetupError(
      `${packages.join(', ')} missing. Run as root: apt-get install -y ${packages.join(' ')}`,
    );
  say('addon', `installing ${packages.join(', ')} with apt-get ...`);
  aptInstall(packages);
}

export async function buildAddon() {
  const libtorch = await findLibtorch();
  say('libtorch', `from ${libtorch.from}`);
  const facts = digest(filesBelow(SOURCES), process.versions.modules, JSON.stringify(libtorch));
  if (existsSync(ADDON) && isDone(STAMP, facts)) return say('addon', 'up to date');
  needCompilers();
  say('addon', 'compiling ...');
  const start = performance.now();
  run(
    'npx',
    [
      'cmake-js',
      'compile',
      '--directory',
      SOURCES,
      '--out',
      join(ROOT, 'build'),
      `--CDTORCH_INCLUDE_DIRS=${libtorch.include.join(';')}`,
      `--CDTORCH_LIBRARY_DIR=${libtorch.lib}`,
      `--CDTORCH_CXX11_ABI=${libtorch.cxx11Abi ? 1 : 0}`,
    ],
    {fix: 'Remove the folder build/ and run "npm run setup" again.'},
  );
  markDone(STAMP, facts);
  say('addon', `compiled in ${seconds(start)}`);
}
