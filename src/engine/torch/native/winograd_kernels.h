// Winograd's convolution F(4×4, 3×3) (Lavin & Gray 2016, Sect. 4): 3×3 with stride 1 and padding 1, from tiles of 6×6 cells
// to tiles of 4×4, with 36 products for a pair of channels where the plain sum takes 144. Each of the 36 points is a matrix
// product over channels. Compiled once for each instruction set, as rows.cc; plain pointers only, for the reason there.
#pragma once

#include <cstdint>

#include "rows.h"

namespace posecraft {

constexpr int64_t kWinogradPoints = 36;

// Images [B, height, width, C], covered with `down` × `across` tiles of 4×4 each.
struct WinogradTiles {
  int64_t height, width, down, across;
};

// One matrix for each point, `stride` floats from one to the next.
struct WinogradPoints {
  float* values;
  int64_t stride;
};

// Rows of `columns` weights at each of nine points; strides in elements. A negative stride of points, from the last one
// on, turns the kernel by 180°.
template <typename T>
struct WinogradWeights {
  const T* values;
  int64_t rows, columns, row_stride, point_stride;
};

// What happens to an output before it is written. `shift` (by channel) and `residual` (like the output) may be null.
template <typename T>
struct WinogradFinish {
  const float* shift;
  const T* residual;
  bool relu;
};

// Tiles that are rows of the matrices: `count` from `first` on.
struct WinogradRows {
  int64_t first, count;
};

// Channels that are columns of the matrices: the first `count` of `stride` in a cell.
struct WinogradColumns {
  int64_t stride, count;
};

using WinogradProduct = void (*)(const float* a, const float* b, float* c, int64_t rows, int64_t depth, int64_t columns);

template <typename T>
struct WinogradTransforms {
  // G g Gᵀ: matrices [rows, columns], of which those columns are written that begin at `from` and end before `to`, both
  // multiples of `lanes`.
  void (*weights)(const WinogradWeights<T>& weights, const WinogradPoints& u, int64_t from, int64_t to);
  // The same of the transposed matrices, [columns, rows].
  void (*weights_transposed)(const WinogradWeights<T>& weights, const WinogradPoints& u, int64_t from, int64_t to);
  // Bᵀ d B; rows of zeros up to a multiple of `rows`.
  void (*inputs)(const T* x, const WinogradPoints& v, const WinogradTiles& tiles, WinogradRows rows,
                 WinogradColumns channels);
  // Aᵀ m A
  void (*outputs)(const WinogradPoints& m, T* y, const WinogradFinish<T>& finish, const WinogradTiles& tiles,
                  WinogradRows rows, WinogradColumns channels);
  // A dy Aᵀ, the adjoint of `outputs`.
  void (*gradients)(const T* dy, const WinogradPoints& m, const WinogradTiles& tiles, WinogradRows rows,
                    WinogradColumns channels);
};

// Gradients of bfloat16 with matrices of pairs of bfloat16, which lie where else a float does, and are multiplied twice as
// fast. A pair is of two neighbours along the sum of the product; where the second is missing it is 0.
struct WinogradPairs {
  // `weights` with pairs of rows, [rows / 2, columns].
  void (*weights)(const WinogradWeights<float>& weights, const WinogradPoints& u, int64_t from, int64_t to);
  // `inputs` with pairs of channels.
  void (*inputs)(const Bfloat16* x, const WinogradPoints& v, const WinogradTiles& tiles, WinogradRows rows,
                 WinogradColumns channels);
  // `inputs` and `gradients` with pairs of tiles.
  void (*inputs_of_tiles)(const Bfloat16* x, const WinogradPoints& v, const WinogradTiles& tiles, WinogradRows rows,
                          WinogradColumns channels);
  void (*gradients_of_tiles)(const Bfloat16* dy, const WinogradPoints& m, const WinogradTiles& tiles,
                             WinogradRows rows, WinogradColumns channels);
  // With `depth` pairs.
  WinogradProduct product, transposed_product, add_transposed_product;
};

struct WinogradKernels {
  // Channels are multiples of `lanes`, and not too many; rows of the left matrix are multiples of `rows`.
  int64_t lanes, most_channels, rows;
  WinogradTransforms<float> float32;
  WinogradTransforms<Bfloat16> bfloat16;
  // c = a · b with a [rows, depth], b [depth, columns], all row-major.
  WinogradProduct product;
  // c = aᵀ · b and c += aᵀ · b with a [depth, rows].
  WinogradProduct transposed_product, add_transposed_product;
  // Gᵀ u G, the adjoint of `weights`, of the sum of `parts` sets of matrices, one after the other: w[row][point][column].
  void (*weight_gradient)(const WinogradPoints& u, int64_t parts, float* w, int64_t columns, int64_t from, int64_t to);
  // Null where the processor has no products of bfloat16.
  const WinogradPairs* pairs;
};

// The fastest that this processor runs; null where there are none.
const WinogradKernels* winograd_kernels();

}  // namespace posecraft
