// Convolutions of a network that is only evaluated from now on, on the CPU: the batch norm that follows is folded into
// the weights, and ReLU happens before the result is written. The work is done by Winograd's algorithm, or else by what
// libtorch keeps for frozen models under the name `mkldnn_prepacked`, with weights in oneDNN's own layout.
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include "blocks.h"
#include "memory.h"
#include "optional.h"
#include "winograd.h"

namespace posecraft {

namespace {

struct Prepared {
  // Of mkldnn_prepacked; none for Winograd's algorithm, which has the other three.
  c10::IValue context;
  Tensor weight, shift;
  bool relu;
  int64_t inputs;
  // Of the weights, and so of what goes in and comes out.
  at::ScalarType type;
};

void release(void* prepared) { delete static_cast<Prepared*>(prepared); }

// An empty tensor that owns it: so it lives in the table of tensors, and dies with its handle.
Tensor as_tensor(std::unique_ptr<Prepared> prepared) {
  void* const held = prepared.release();
  c10::Storage storage(c10::Storage::use_byte_size_t(), 0, at::DataPtr(held, held, &release, at::kCPU));
  Tensor tensor = at::detail::make_tensor<c10::TensorImpl>(
      std::move(storage), c10::DispatchKeySet(c10::DispatchKey::CPU), caffe2::TypeMeta::Make<bool>());
  tensor.unsafeGetTensorImpl()->set_sizes_contiguous({0});
  return tensor;
}

const Prepared& from_tensor(const Tensor& tensor) {
  const bool fits = tensor.has_storage() && tensor.storage().data_ptr().get_deleter() == &release;
  TORCH_CHECK(fits, "prepared_convolution: expected what prepare_convolution gave, got a tensor of ", tensor.sizes());
  return *static_cast<const Prepared*>(tensor.storage().data_ptr().get());
}

const c10::OperatorHandle* prepacked(const char* name) {
  const auto found = c10::Dispatcher::singleton().findSchema({name, ""});
  return found ? new c10::OperatorHandle(*found) : nullptr;
}

// What oneDNN asks of a processor for bfloat16.
bool has_bfloat16() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#else
  return false;
#endif
}

std::pair<Tensor, Tensor> folded(const Tensor& weight, const Tensor& bias, const Tensor& scale, const Tensor& offset,
                                 const Tensor& mean, const Tensor& variance, double epsilon, at::ScalarType type) {
  const Tensor factor = scale * (variance.to(at::kDouble) + epsilon).rsqrt_();
  const Tensor centre = bias.defined() ? mean - bias : mean;
  const Tensor shift = offset - centre * factor;
  // Contiguous: of other layouts mkldnn_prepacked mistakes the groups.
  return {(weight * factor.view({-1, 1, 1, 1})).to(type).contiguous(), shift.to(at::kFloat)};
}

// What is given up here leaves holes in the heap into which activations seldom fit: without this, HRNet-W32 keeps some 60
// MiB more.
void give_holes_back(size_t bytes) {
  static size_t given_up = 0;
  given_up += bytes;
  if (given_up < (16 << 20)) return;
  given_up = 0;
  give_memory_back();
}

// Undefined where this libtorch or this device cannot.
Tensor prepare_convolution(const Tensor& weight, const Optional<Tensor>& maybe_bias, const Tensor& scale,
                           const Tensor& offset, const Tensor& mean, const Tensor& variance, double epsilon,
                           at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups,
                           at::IntArrayRef input_size, bool relu, bool half) {
  static const c10::OperatorHandle* const prepack = prepacked("mkldnn_prepacked::conv2d_prepack");
  if (!prepack || !weight.device().is_cpu() || weight.scalar_type() != at::kFloat) return {};
  if (half && !has_bfloat16()) return {};
  TORCH_CHECK(weight.dim() == 4 && input_size.size() == 4 && groups > 0 && weight.size(0) % groups == 0 &&
                  input_size[1] == weight.size(1) * groups,
              "prepare_convolution: weight ", weight.sizes(), " in ", groups, " groups does not fit input ", input_size);
  const Tensor bias = maybe_bias ? *maybe_bias : Tensor();
  for (const Tensor& channels : {scale, offset, mean, variance, bias.defined() ? bias : offset}) {
    TORCH_CHECK(channels.dim() == 1 && channels.size(0) == weight.size(0), "prepare_convolution: weight ",
                weight.sizes(), " does not fit channels ", channels.sizes());
  }
  const at::ScalarType type = half ? at::kBFloat16 : at::kFloat;
  auto [kernel, shift] = folded(weight, bias, scale, offset, mean, variance, epsilon, type);
  if (suits_winograd(type, kernel, {stride, padding, dilation, groups})) {
    give_holes_back(weight.storage().nbytes());
    return as_tensor(std::make_unique<Prepared>(Prepared{{}, channels_last(kernel), shift, relu, input_size[1], type}));
  }
  torch::jit::Stack stack{kernel, shift, stride, padding, dilation, groups, input_size, relu ? "relu" : "none"};
  prepack->callBoxed(&stack);
  // The context keeps the plain weights beside the prepared ones, for nothing but to give them back.
  give_holes_back(kernel.storage().nbytes());
  kernel.storage().set_data_ptr_noswap(at::DataPtr(nullptr, at::kCPU));
  kernel.storage().set_nbytes(0);
  return as_tensor(std::make_unique<Prepared>(Prepared{stack[0], {}, {}, relu, input_size[1], type}));
}

// y = activation(y + residual)
void finish(const Tensor& y, const Tensor& residual, Activation activation) {
  if (!residual.defined() && activation == Activation::kNone) return;
  const Blocks blocks(y);
  const std::vector<float> ones(blocks.channels, 1.0f), zeros(blocks.channels, 0.0f);
  by_type(y, [&](auto element) {
    using T = decltype(element);
    const T* beside = data<T>(residual);
    blocks.each([&](int64_t, int64_t start, int64_t rows) {
      T* const part = data<T>(y) + start;
      row_kernels<T>().normalize(part, beside ? beside + start : nullptr, part, rows, blocks.channels, ones.data(),
                                 zeros.data(), activation);
    });
  });
}

Tensor by_winograd(const Tensor& x, const Prepared& prepared, const Tensor& residual, Activation activation) {
  const bool relu = prepared.relu || activation == Activation::kRelu;
  const Tensor y = winograd(x, prepared.weight, prepared.shift, residual, relu);
  finish(y, {}, relu ? Activation::kNone : activation);
  return y;
}

Tensor by_mkldnn(const Tensor& x, const Prepared& prepared, const Tensor& residual, Activation activation) {
  static const c10::OperatorHandle* const run = prepacked("mkldnn_prepacked::conv2d_run");
  torch::jit::Stack stack{channels_last(x), prepared.context};
  run->callBoxed(&stack);
  const Tensor y = channels_last(stack[0].toTensor());
  if (residual.defined()) check_same(y, residual, "prepared_convolution");
  finish(y, residual, activation);
  return y;
}

// activation(convolution + residual); `activation` is what is still to be done.
Tensor prepared_convolution(const Tensor& x, const Tensor& prepared, const Optional<Tensor>& maybe_residual,
                            int64_t activation_number) {
  const Activation activation = to_activation(activation_number);
  const Prepared& convolution = from_tensor(prepared);
  TORCH_CHECK(has_rows(x) && x.dim() == 4 && x.numel() > 0 && x.size(1) == convolution.inputs,
              "prepared_convolution: expected values of [B, ", convolution.inputs, ", H, W], got ", x.scalar_type(), " ",
              x.sizes());
  const Tensor residual = maybe_residual ? channels_last(maybe_residual->to(convolution.type)) : Tensor();
  const auto by = convolution.weight.defined() ? by_winograd : by_mkldnn;
  return by(x.to(convolution.type), convolution, residual, activation);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(posecraft, library) {
  library.def(
      "prepare_convolution(Tensor weight, Tensor? bias, Tensor scale, Tensor offset, Tensor mean, Tensor variance, "
      "float epsilon, int[] stride, int[] padding, int[] dilation, int groups, int[] input_size, bool relu, bool half) "
      "-> Tensor",
      prepare_convolution);
  library.def("prepared_convolution(Tensor x, Tensor prepared, Tensor? residual, int activation) -> Tensor",
              prepared_convolution);
}

}  // namespace posecraft
