// Sums of feature maps: of several resolutions at the end of an exchange, and of gradients.
#include <torch/library.h>

#include "blocks.h"

namespace posecraft {

namespace {

// max(0, Σ terms), where a term of 1/f of the first one's height and width has each cell repeated f × f times.
Tensor sum_relu(at::TensorList terms) {
  TORCH_CHECK(!terms.empty(), "sum_relu: needs a term");
  const Tensor& first = terms[0];
  TORCH_CHECK(first.dim() == 4, "sum_relu: expected [B, C, H, W], got ", first.sizes());
  bool on_rows = has_rows(first);
  std::vector<int64_t> factors;
  for (const Tensor& term : terms) {
    TORCH_CHECK(term.dim() == 4 && term.numel() > 0, "sum_relu: term ",
                term.sizes(), " does not fit ", first.sizes());
    const int64_t factor = first.size(2) / term.size(2);
    TORCH_CHECK(term.size(0) == first.size(0) && term.size(1) == first.size(1) &&
                    term.size(2) * factor == first.size(2) && term.size(3) * factor == first.size(3),
                "sum_relu: term ", term.sizes(), " does not fit ", first.sizes());
    factors.push_back(factor);
  }
  if (!on_rows) {
    Tensor sum = first.clone();
    for (size_t i = 1; i < terms.size(); i++) {
      sum.add_(factors[i] == 1 ? terms[i] : at::upsample_nearest2d(terms[i], {first.size(2), first.size(3)}));
    }
    return sum.relu_();
  }
  std::vector<Tensor> dense;
  for (const Tensor& term : terms) dense.push_back(channels_last(in_type_of(first, term)));
  const Tensor y = like(dense[0]);
  const int64_t height = first.size(2), width = first.size(3), channels = first.size(1);
  const int64_t row = width * channels;
  by_type(y, [&](auto type) {
    using T = decltype(type);
    const int64_t lines = first.size(0) * height;
    share_out_evenly(lines, std::max<int64_t>(kGrain / row, 1), [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++) {
        for (size_t t = 0; t < dense.size(); t++) {
          const int64_t line = i / height * (height / factors[t]) + i % height / factors[t];
          row_kernels<T>().add_repeated(data<T>(y) + i * row, data<T>(dense[t]) + line * (row / factors[t]), width,
                                        channels, factors[t], t == 0, t + 1 == dense.size());
        }
      }
    });
  });
  return y;
}

// a + b; in the memory of `a` if nothing else holds it: neither another tensor of its storage, nor another owner of the
// tensor itself beside the caller's table and the call in progress.
Tensor accumulate(const Tensor& a, const Tensor& b) {
  check_same(a, b, "accumulate");
  const bool is_alone = a.scalar_type() == b.scalar_type() && a.use_count() <= 2 && a.storage().use_count() == 1;
  if (!is_alone || !a.is_non_overlapping_and_dense()) return a.add(b);
  if (!has_rows(a) || a.strides() != b.strides()) return a.add_(b);
  by_type(a, [&](auto type) {
    using T = decltype(type);
    share_out_evenly(a.numel(), kGrain, [&](int64_t from, int64_t to) {
      row_kernels<T>().add_repeated(data<T>(a) + from, data<T>(b) + from, 1, to - from, 1, false, false);
    });
  });
  return a;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(posecraft, library) {
  library.def("sum_relu(Tensor[] terms) -> Tensor", sum_relu);
  library.def("accumulate(Tensor a, Tensor b) -> Tensor", accumulate);
}

}  // namespace posecraft
