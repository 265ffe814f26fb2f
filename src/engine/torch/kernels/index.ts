/** @file All kernels of the torch backend: its own families first, then what is delegated. */
import './activations.js';
import './attention.js';
import './convolution.js';
import './elementwise.js';
import './optimizers.js';
import './pooling.js';
import './reduce.js';
import './resize.js';
import './sampling.js';
import './shape.js';
import './training.js';
import './transposedConvolution.js';
import {delegateTheRest} from './delegate.js';

delegateTheRest();
