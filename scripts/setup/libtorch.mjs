// Finds libtorch, or installs it: $LIBTORCH; the torch of the python3 on the path; Debian's libtorch-dev; else
// apt-get as root, or the official CPU archive unpacked into the project.
import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {aptInstall, ask, isRoot, ROOT, run, SetupError, say, seconds} from './steps.mjs';

const DEBIAN_PACKAGES = ['libtorch-dev', 'libopenblas0-pthread'];
const ARCHIVE_VERSION = '2.5.1';
const ARCHIVE = `https://download.pytorch.org/libtorch/cpu/libtorch-cxx11-abi-shared-with-deps-${ARCHIVE_VERSION}%2Bcpu.zip`;
const UNPACKED = join(ROOT, 'build', 'libtorch');

/** @returns {{from: string, include: string[], lib: string, cxx11Abi: boolean}} */
function describe(from, include, lib) {
  const c10 = readFileSync(join(lib, 'libc10.so'));
  return {
    from,
    include: [include, join(include, 'torch', 'csrc', 'api', 'include')],
    lib,
    cxx11Abi: c10.includes('SourceLocationENSt7__cxx11'),
  };
}

function inFolder(folder, from) {
  if (!existsSync(join(folder, 'include', 'ATen', 'ATen.h')) || !existsSync(join(folder, 'lib', 'libc10.so')))
    return null;
  return describe(from, join(folder, 'include'), join(folder, 'lib'));
}

function fromVariable() {
  const folder = process.env.LIBTORCH;
  if (!folder) return null;
  const found = inFolder(folder, `$LIBTORCH (${folder})`);
  if (!found)
    throw new SetupError(
      `LIBTORCH=${folder} holds no libtorch: include/ATen/ATen.h or lib/libc10.so is missing.`,
    );
  return found;
}

function fromPython() {
  const program =
    "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')";
  const folder = ask('python3', ['-c', program]);
  return folder ? inFolder(folder, `python3's torch (${folder})`) : null;
}

function fromDebian() {
  const triplet = ask('gcc', ['-dumpmachine']) ?? 'x86_64-linux-gnu';
  const lib = `/usr/lib/${triplet}`;
  if (!existsSync('/usr/include/ATen/ATen.h') || !existsSync(join(lib, 'libc10.so'))) return null;
  // Debian's libtorch takes its matrix products from libblas.so.3; the reference BLAS behind it by default is 30 times slower.
  const blas = ask('readlink', ['-f', join(lib, 'libblas.so.3')]) ?? '';
  if (!/openblas|mkl|blis|atlas/.test(blas)) {
    if (!isRoot()) say('libtorch', 'no fast BLAS; as root: apt-get install libopenblas0-pthread');
    else aptInstall(['libopenblas0-pthread']);
  }
  return describe('libtorch-dev', '/usr/include', lib);
}

async function fromArchive() {
  say('libtorch', `downloading ${ARCHIVE} ...`);
  const zip = join(ROOT, 'build', 'libtorch.zip');
  mkdirSync(join(ROOT, 'build'), {recursive: true});
  const fix = `Install libtorch by hand (as root: apt-get install -y ${DEBIAN_PACKAGES.join(' ')}), or set LIBTORCH to its folder.`;
  try {
    const response = await fetch(ARCHIVE);
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    writeFileSync(zip, Buffer.from(await response.arrayBuffer()));
  } catch (error) {
    throw new SetupError(`libtorch was not found and could not be downloaded (${error.message}). ${fix}`);
  }
  run('unzip', ['-q', '-o', zip, '-d', join(ROOT, 'build')], {fix});
  rmSync(zip);
  return inFolder(UNPACKED, 'the official CPU archive');
}

/** Finds or installs libtorch. */
export async function findLibtorch() {
  const found =
    fromVariable() ?? fromPython() ?? fromDebian() ?? inFolder(UNPACKED, 'the official CPU archive');
  if (found) return found;
  if (!isRoot() || ask('apt-get', ['--version']) === null) return fromArchive();
  say('libtorch', `installing ${DEBIAN_PACKAGES.join(' and ')} with apt-get ...`);
  const start = performance.now();
  aptInstall(DEBIAN_PACKAGES);
  say('libtorch', `installed in ${seconds(start)}`);
  const installed = fromDebian();
  if (!installed)
    throw new SetupError('apt-get installed libtorch-dev, but its headers are not in /usr/include.');
  return installed;
}
