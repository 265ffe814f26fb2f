/** @file TensorFlow's own backend for Node, from a package that the user installs beside this one. */
import * as tf from '@tensorflow/tfjs';
import {messageOf, UserError} from '../errors.js';

/** The one that can use a GPU first. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

const ALTERNATIVES = 'backend=torch (libtorch) or backend=cpu (plain JavaScript, slow)';

/** What the package exports beside all of TensorFlow.js. */
interface TensorFlowPackage {
  readonly version: Readonly<Record<string, string>>;
  readonly Tensor: typeof tf.Tensor;
}

export interface TensorFlowStarted {
  readonly packageName: string;
  readonly version: string;
  readonly onGpu: boolean;
}

/**
 * Loads the package, which registers the backend `tensorflow`, and makes that the current one.
 * @param threads of an operator
 * @throws UserError if neither package is installed, or if the one that is does not load or does not fit
 */
export async function startTensorFlow(threads: number): Promise<TensorFlowStarted> {
  // Read by TensorFlow at its start.
  process.env.TF_NUM_INTRAOP_THREADS ??= String(threads);
  const {packageName, exported} = await findPackage();
  checkSharing(packageName, exported);
  await tf.setBackend('tensorflow');
  const {isUsingGpuDevice = false} = tf.backend() as tf.KernelBackend & {isUsingGpuDevice?: boolean};
  return {packageName, version: exported.version['tfjs-node'], onGpu: isUsingGpuDevice};
}

async function findPackage(): Promise<{packageName: string; exported: TensorFlowPackage}> {
  for (const packageName of PACKAGES) {
    if (!isInstalled(packageName)) continue;
    try {
      // CommonJS: what it exports is the default.
      return {packageName, exported: (await import(packageName)).default};
    } catch (error) {
      const reason = messageOf(error).split('\n')[0].trimEnd();
      throw new UserError(
        'usage',
        `backend: ${packageName} is installed but does not load: ${reason} Run "npm rebuild ${packageName} ` +
          `--build-addon-from-source", or choose another backend: ${ALTERNATIVES}.`,
        {cause: error},
      );
    }
  }
  throw new UserError(
    'usage',
    `backend: tensorflow needs a package that is not installed. Run "npm install ${PACKAGES[1]}@${tf.version_core}"` +
      ` (${PACKAGES[0]} for a GPU), or choose another backend: ${ALTERNATIVES}.`,
  );
}

function isInstalled(packageName: string): boolean {
  try {
    import.meta.resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

/** The package registers its backend with the TensorFlow.js that it finds; that must be the one in use here. */
function checkSharing(packageName: string, {version, Tensor}: TensorFlowPackage): void {
  if (Tensor === tf.Tensor && tf.findBackend('tensorflow')) return;
  throw new UserError(
    'usage',
    `backend: ${packageName} brought a copy of TensorFlow.js of its own (${version['tfjs-core']}), beside the one in ` +
      `use here (${tf.version_core}); its backend cannot be used from here. Install the version that goes with it: ` +
      `npm install ${packageName}@${tf.version_core}.`,
  );
}
