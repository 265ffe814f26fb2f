/** @file SimpleBaseline's way back to a high resolution: transposed convolutions (Xiao et al. 2018, Sect. 2). */
import {BatchNorm2d, ConvTranspose2d, ReLU} from '../../nn/layers.js';
import {Sequential} from '../../nn/sequential.js';

/** Each doubles height and width exactly. */
const DOUBLING = {kernel: 4, stride: 2, padding: 1} as const;

/**
 * A deconvolution, normalisation and ReLU for each of the widths.
 * @param inputs channels of what comes in
 */
export function deconvolutions(inputs: number, widths: readonly number[]): Sequential {
  const layers = widths.flatMap((width, i) => {
    const from = i === 0 ? inputs : widths[i - 1];
    return [
      new ConvTranspose2d(from, width, DOUBLING.kernel, {...DOUBLING, bias: false}),
      new BatchNorm2d(width),
      new ReLU(),
    ];
  });
  return new Sequential(...layers);
}
