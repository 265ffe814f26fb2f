// Convolutions by Winograd's algorithm on the CPU, where it is the fastest way; see winograd_kernels.h.
#pragma once

#include "blocks.h"

namespace posecraft {

// A convolution, in libtorch's terms.
struct Convolution {
  at::IntArrayRef stride, padding, dilation;
  int64_t groups;
};

// Whether the algorithm takes convolutions of inputs of this type by this weight [O, C, 3, 3], and gains.
bool suits_winograd(at::ScalarType input, const Tensor& weight, const Convolution& convolution);

// relu(convolution + shift + residual), in the element type of x; weight in channels_last.
// `shift` [O] and `residual` may be undefined.
Tensor winograd(const Tensor& x, const Tensor& weight, const Tensor& shift, const Tensor& residual, bool relu);

// The gradient of x from that of the output.
Tensor winograd_input_gradient(const Tensor& dy, const Tensor& weight);

// The gradient of the weight [O, C, 3, 3], in float32 and channels_last.
Tensor winograd_weight_gradient(const Tensor& dy, const Tensor& x);

}  // namespace posecraft
