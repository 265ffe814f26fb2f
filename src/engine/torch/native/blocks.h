// Tensors as blocks of rows for the loops of rows.h, and what the fused operators check of their arguments.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>

#include "rows.h"
#include "share_out.h"

namespace posecraft {

using at::Tensor;

template <typename T>
const RowKernels<T>& row_kernels();
template <>
inline const RowKernels<float>& row_kernels<float>() {
  return kernels().float32;
}
template <>
inline const RowKernels<Bfloat16>& row_kernels<Bfloat16>() {
  return kernels().bfloat16;
}

// Elements that one task works on: enough to outweigh waking a thread.
constexpr int64_t kGrain = 32768;
// Elements of a block of rows: its statistics are taken while it is in the first-level cache.
constexpr int64_t kBlock = 8192;

inline Activation to_activation(int64_t number) {
  TORCH_CHECK(number >= 0 && number <= 2, "activation ", number, " is unknown");
  return static_cast<Activation>(number);
}

inline bool has_rows(const Tensor& x) {
  return x.device().is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

inline Tensor channels_last(const Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

inline Tensor like(const Tensor& x) { return at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast); }

template <typename T>
T* data(const Tensor& x) {
  return x.defined() ? static_cast<T*>(x.data_ptr()) : nullptr;
}

inline float* floats(const Tensor& x) { return static_cast<float*>(x.data_ptr()); }

// Calls body(T{}) with the element type of x.
template <typename Body>
void by_type(const Tensor& x, const Body& body) {
  if (x.scalar_type() == at::kFloat) body(float{});
  else body(Bfloat16{});
}

// An activation [B, C, H, W] as rows of channels, cut into blocks. The blocks depend on the shape alone, so that sums
// over them do not depend on the number of threads.
struct Blocks {
  explicit Blocks(const Tensor& x)
      : channels(x.size(1)),
        rows(x.size(0) * x.size(2) * x.size(3)),
        height(std::max<int64_t>(kBlock / std::max<int64_t>(channels, 1), 8)),
        count((rows + height - 1) / height) {}

  // body(block, first element, rows)
  template <typename Body>
  void each(const Body& body) const {
    const int64_t grain = std::max<int64_t>(kGrain / std::max<int64_t>(height * channels, 1), 1);
    share_out_evenly(count, grain, [&](int64_t from, int64_t to) {
      for (int64_t block = from; block < to; block++) {
        const int64_t row = block * height;
        body(block, row * channels, std::min(height, rows - row));
      }
    });
  }

  int64_t channels, rows, height, count;
};

inline void check_input(const Tensor& x, const Tensor& per_channel, const char* what) {
  TORCH_CHECK(x.dim() == 4 && x.numel() > 0, what, ": expected values of [B, C, H, W], got ", x.sizes());
  TORCH_CHECK(per_channel.dim() == 1 && per_channel.size(0) == x.size(1), what, ": input ", x.sizes(),
              " does not fit channels ", per_channel.sizes());
  TORCH_CHECK(per_channel.scalar_type() == at::kFloat && per_channel.is_contiguous(), what,
              ": scale, offset and statistics must be float32, and are ", per_channel.scalar_type());
}

inline void check_same(const Tensor& x, const Tensor& y, const char* what) {
  TORCH_CHECK(x.sizes() == y.sizes(), what, ": ", y.sizes(), " does not fit ", x.sizes());
}

// The second operand in the element type of the first: in mixed precision they may differ.
inline Tensor in_type_of(const Tensor& x, const Tensor& y) { return y.to(x.scalar_type()); }

}  // namespace posecraft
