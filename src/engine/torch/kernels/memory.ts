/** @file Memory that is free goes back to the system. */
import {KERNELS} from '../../ops/kernels.js';
import {operator} from '../native.js';
import {register} from './register.js';

const giveBack = operator('posecraft::give_memory_back');

register(KERNELS.giveMemoryBack, () => {
  giveBack();
  return [];
});
