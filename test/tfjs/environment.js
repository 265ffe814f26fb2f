// Where the specifications run: the torch backend, with gradients and chained methods registered on the one core.
import '@tensorflow/tfjs-backend-cpu';
import {setTestEnvs} from '@tensorflow/tfjs-core/dist/jasmine_util.js';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import {startTorch} from '../../dist/engine/torch/index.js';

await startTorch({threads: 2, device: 'cpu', tf32: false, deterministic: false});
setTestEnvs([{name: 'torch', backendName: 'torch', isDataSync: true}]);
