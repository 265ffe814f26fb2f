// What is bundled: the backend first, then every specification that TensorFlow.js ships for its backends.
import './environment.js';
import '@tensorflow/tfjs-core/dist/tests.js';
