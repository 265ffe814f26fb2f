/** @file All kernels of the torch backend: its own families first, then what is delegated. */
import './convolution.js';
import './elementwise.js';
import './reduce.js';
import './shape.js';
import './training.js';
import './depthwise.js';
import './pooling.js';
import './fusedOps.js';
import './unary.js';
import './binary.js';
import './logical.js';
import './scan.js';
import './resize.js';
import './crop.js';
import './indexing.js';
import './rearrange.js';
import {delegateTheRest} from './delegate.js';

delegateTheRest();
