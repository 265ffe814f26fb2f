/**
 * @file `import 'posecraft/backend-torch'` makes libtorch the backend of any TensorFlow.js program, a Layers model
 * included, with as many threads as the machine has cores. The program must use the same copy of `@tensorflow/tfjs`.
 */
import {selectBackend} from './index.js';

await selectBackend({backend: 'torch'});
