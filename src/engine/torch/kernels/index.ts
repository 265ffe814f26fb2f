/** @file All kernels of the torch backend: its own families first, then what is delegated. */
import './activations.js';
import './attention.js';
import './binary.js';
import './convolution.js';
import './crop.js';
import './depthwise.js';
import './elementwise.js';
import './fusedOps.js';
import './indexing.js';
import './logical.js';
import './memory.js';
import './optimizers.js';
import './pooling.js';
import './poolingTraining.js';
import './preparedConvolution.js';
import './rearrange.js';
import './reduce.js';
import './resize.js';
import './resizeTraining.js';
import './sampling.js';
import './scan.js';
import './shape.js';
import './training.js';
import './transposedConvolution.js';
import './unary.js';
import {delegateTheRest} from './delegate.js';

delegateTheRest();
