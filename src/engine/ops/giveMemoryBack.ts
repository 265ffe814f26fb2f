/** @file Memory that was needed once. */
import {hasKernel, KERNELS, runKernelMany} from './kernels.js';

/**
 * Gives memory that is free to the system, where the backend keeps it for its next step: after building a network, whose
 * initial values leave holes behind that few activations fit into.
 */
export function giveMemoryBack(): void {
  if (hasKernel(KERNELS.giveMemoryBack)) runKernelMany(KERNELS.giveMemoryBack, {});
}
