// Loops over rows of channels: what the fused operators do in memory. Compiled once for each instruction set that is
// worth it, and chosen when the program starts. Plain pointers only: an inline function of a library, compiled here for
// a newer processor, could be the copy that the linker keeps for all.
#pragma once

#include <cstdint>

namespace posecraft {

enum class Activation : int64_t { kNone = 0, kRelu = 1, kSilu = 2 };

// A float in the upper half of its bits.
struct Bfloat16 {
  uint16_t bits;
};

// `x` and `y` of every function are `rows` rows of `channels` elements, one after the other.
template <typename T>
struct RowKernels {
  // Mean of each channel, and the sum of squared deviations from it.
  void (*moments)(const T* x, int64_t rows, int64_t channels, float* mean, float* deviation);

  // y = activation(x · factor + shift + residual); `residual` may be null, and y may be x.
  void (*normalize)(const T* x, const T* residual, T* y, int64_t rows, int64_t channels, const float* factor,
                    const float* shift, Activation activation);

  // g = dy · activation'(·); adds up g and g · (x − mean) by channel. `y` is what ReLU gave, `g` may be null.
  void (*reduce_gradient)(const T* dy, const T* x, const T* y, T* g, int64_t rows, int64_t channels, const float* mean,
                          const float* factor, const float* shift, Activation activation, float* sum_g, float* sum_gx);

  // dx = g · factor + x · slope + intercept, with g as above.
  void (*input_gradient)(const T* dy, const T* x, const T* y, T* dx, int64_t rows, int64_t channels,
                         const float* factor, const float* shift, const float* slope, const float* intercept,
                         Activation activation);

  // Adds a row of cells, each repeated `factor` times, to a row of `width` cells.
  void (*add_repeated)(T* y, const T* x, int64_t width, int64_t channels, int64_t factor, bool is_first, bool is_last);
};

// Adam (Kingma & Ba 2015, Alg. 1) over `count` elements; the rate and epsilon hold the bias corrections.
struct AdamScalars {
  float beta1, beta2, rate, epsilon;
};
using AdamRow = void (*)(float* parameter, const float* gradient, float* first, float* second, int64_t count,
                         AdamScalars scalars);

struct Kernels {
  RowKernels<float> float32;
  RowKernels<Bfloat16> bfloat16;
  AdamRow adam;
};

// The fastest that this processor runs.
const Kernels& kernels();

}  // namespace posecraft
