// Convolutions and their gradients: by Winograd's algorithm where that is the fastest way, else by libtorch's own.
#include <torch/library.h>

#include "optional.h"
#include "winograd.h"

namespace posecraft {

namespace {

bool by_winograd(const Tensor& x, const Tensor& weight, const Convolution& of) {
  return has_rows(x) && x.dim() == 4 && x.numel() > 0 && suits_winograd(x.scalar_type(), weight, of) &&
         x.size(1) == weight.size(1);
}

// libtorch itself checks less than it, or Winograd's algorithm, trusts in.
void check_gradient(const Tensor& dy, const Tensor& x, const Tensor& weight, const Convolution& of) {
  const auto fits = [&](at::IntArrayRef by_axis, int64_t least) {
    return static_cast<int64_t>(by_axis.size()) == x.dim() - 2 &&
           std::all_of(by_axis.begin(), by_axis.end(), [&](int64_t one) { return one >= least; });
  };
  TORCH_CHECK(x.dim() > 2 && weight.dim() == x.dim() && fits(of.stride, 1) && fits(of.padding, 0) && fits(of.dilation, 1),
              "convolution: stride ", of.stride, ", padding ", of.padding, " and dilation ", of.dilation,
              " do not fit input ", x.sizes(), " and weight ", weight.sizes());
  std::vector<int64_t> sizes{x.size(0), weight.size(0)};
  for (int64_t i = 2; i < x.dim(); i++) {
    const int64_t reach = of.dilation[i - 2] * (weight.size(i) - 1) + 1;
    sizes.push_back((x.size(i) + 2 * of.padding[i - 2] - reach) / of.stride[i - 2] + 1);
  }
  TORCH_CHECK(dy.sizes() == at::IntArrayRef(sizes), "convolution: a gradient of ", dy.sizes(), " does not fit input ",
              x.sizes(), " and weight ", weight.sizes());
}

// Whether the gradients are computed by Winograd's algorithm.
bool by_winograd(const Tensor& dy, const Tensor& x, const Tensor& weight, const Convolution& of) {
  check_gradient(dy, x, weight, of);
  return by_winograd(x, weight, of) && dy.scalar_type() == x.scalar_type();
}

Tensor convolution(const Tensor& x, const Tensor& weight, const Optional<Tensor>& maybe_bias, at::IntArrayRef stride,
                   at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups) {
  if (!by_winograd(x, weight, {stride, padding, dilation, groups})) {
    return at::convolution(x, weight, maybe_bias, stride, padding, dilation, false, {0, 0}, groups);
  }
  const Tensor shift = maybe_bias ? maybe_bias->to(at::kFloat).contiguous() : Tensor();
  TORCH_CHECK(!shift.defined() || (shift.dim() == 1 && shift.size(0) == weight.size(0)), "convolution: bias ",
              shift.sizes(), " does not fit weight ", weight.sizes());
  return winograd(x, channels_last(weight), shift, {}, false);
}

// Whether a convolution of inputs in bfloat16 takes its weight in float32.
bool takes_full_weight(const Tensor& weight, at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                       int64_t groups) {
  return suits_winograd(at::kBFloat16, weight, {stride, padding, dilation, groups});
}

using Three = std::tuple<Tensor, Tensor, Tensor>;

Three gradients(const Tensor& dy, const Tensor& x, const Tensor& weight, const Convolution& of, std::array<bool, 3> wanted) {
  return at::convolution_backward(dy, x, weight, c10::nullopt, of.stride, of.padding, of.dilation, false, {0, 0},
                                  of.groups, wanted);
}

Tensor convolution_input_gradient(const Tensor& dy, const Tensor& x, const Tensor& weight, at::IntArrayRef stride,
                                  at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups) {
  const Convolution of{stride, padding, dilation, groups};
  if (by_winograd(dy, x, weight, of)) return winograd_input_gradient(dy, channels_last(weight));
  return std::get<0>(gradients(dy, x, weight, of, {true, false, false}));
}

// In float32.
Tensor convolution_weight_gradient(const Tensor& dy, const Tensor& x, const Tensor& weight, at::IntArrayRef stride,
                                   at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups) {
  const Convolution of{stride, padding, dilation, groups};
  if (by_winograd(dy, x, weight, of)) return winograd_weight_gradient(dy, x);
  return std::get<1>(gradients(dy, x, weight, of, {false, true, false})).to(at::kFloat);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(posecraft, library) {
  library.def(
      "takes_full_weight(Tensor weight, int[] stride, int[] padding, int[] dilation, int groups) -> bool",
      takes_full_weight);
  library.def(
      "convolution(Tensor x, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, int groups) -> "
      "Tensor",
      convolution);
  library.def(
      "convolution_input_gradient(Tensor dy, Tensor x, Tensor weight, int[] stride, int[] padding, int[] dilation, int "
      "groups) -> Tensor",
      convolution_input_gradient);
  library.def(
      "convolution_weight_gradient(Tensor dy, Tensor x, Tensor weight, int[] stride, int[] padding, int[] dilation, int "
      "groups) -> Tensor",
      convolution_weight_gradient);
}

}  // namespace posecraft
