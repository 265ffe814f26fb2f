// Operators that ATen lacks, under the name `posecraft`: what a network does between two convolutions, in as few passes
// over memory as there can be. On the CPU they run the loops of rows.h; elsewhere, and for other memory layouts, they
// are composed of ATen's operators.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include "optional.h"
#include "rows.h"

namespace posecraft {

namespace avx512 {
extern const Kernels table;
}
namespace avx2 {
extern const Kernels table;
}
namespace baseline {
extern const Kernels table;
}

const Kernels& kernels() {
#ifdef ROWS_X86
  static const Kernels& best = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
                                   ? avx512::table
                               : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? avx2::table
                                                                                                : baseline::table;
  return best;
#else
  return baseline::table;
#endif
}

namespace {

using at::Tensor;

template <typename T>
const RowKernels<T>& row_kernels();
template <>
const RowKernels<float>& row_kernels<float>() {
  return kernels().float32;
}
template <>
const RowKernels<Bfloat16>& row_kernels<Bfloat16>() {
  return kernels().bfloat16;
}

// Elements that one task works on: enough to outweigh waking a thread.
constexpr int64_t kGrain = 32768;
// Elements of a block of rows: its statistics are taken while it is in the first-level cache.
constexpr int64_t kBlock = 8192;

Activation to_activation(int64_t number) {
  TORCH_CHECK(number >= 0 && number <= 2, "activation ", number, " is unknown");
  return static_cast<Activation>(number);
}

bool has_rows(const Tensor& x) {
  return x.device().is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

Tensor channels_last(const Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

Tensor like(const Tensor& x) { return at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast); }

template <typename T>
T* data(const Tensor& x) {
  return x.defined() ? static_cast<T*>(x.data_ptr()) : nullptr;
}

float* floats(const Tensor& x) { return static_cast<float*>(x.data_ptr()); }

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
    at::parallel_for(0, count, grain, [&](int64_t from, int64_t to) {
      for (int64_t block = from; block < to; block++) {
        const int64_t row = block * height;
        body(block, row * channels, std::min(height, rows - row));
      }
    });
  }

  int64_t channels, rows, height, count;
};

void check_input(const Tensor& x, const Tensor& per_channel, const char* what) {
  TORCH_CHECK(x.dim() == 4 && x.numel() > 0, what, ": expected values of [B, C, H, W], got ", x.sizes());
  TORCH_CHECK(per_channel.dim() == 1 && per_channel.size(0) == x.size(1), what, ": input ", x.sizes(),
              " does not fit channels ", per_channel.sizes());
  TORCH_CHECK(per_channel.scalar_type() == at::kFloat && per_channel.is_contiguous(), what,
              ": scale, offset and statistics must be float32, and are ", per_channel.scalar_type());
}

void check_same(const Tensor& x, const Tensor& y, const char* what) {
  TORCH_CHECK(x.sizes() == y.sizes(), what, ": ", y.sizes(), " does not fit ", x.sizes());
}

// The second operand in the element type of the first: in mixed precision they may differ.
Tensor in_type_of(const Tensor& x, const Tensor& y) { return y.to(x.scalar_type()); }

// Mean and sum of squared deviations of each channel, merged from those of the blocks (Chan et al. 1979).
void moments(const Tensor& x, const Blocks& blocks, std::vector<double>& mean, std::vector<double>& deviation) {
  const int64_t channels = blocks.channels;
  std::vector<float> means(blocks.count * channels), deviations(blocks.count * channels);
  by_type(x, [&](auto type) {
    using T = decltype(type);
    blocks.each([&](int64_t block, int64_t start, int64_t rows) {
      row_kernels<T>().moments(data<T>(x) + start, rows, channels, &means[block * channels],
                               &deviations[block * channels]);
    });
  });
  const auto rows_of = [&](int64_t block) {
    return static_cast<double>(std::min(blocks.height, blocks.rows - block * blocks.height));
  };
  mean.assign(channels, 0.0);
  deviation.assign(channels, 0.0);
  for (int64_t block = 0; block < blocks.count; block++) {
    const double share = rows_of(block) / static_cast<double>(blocks.rows);
    for (int64_t c = 0; c < channels; c++) mean[c] += share * means[block * channels + c];
  }
  for (int64_t block = 0; block < blocks.count; block++) {
    const double rows = rows_of(block);
    for (int64_t c = 0; c < channels; c++) {
      const double d = means[block * channels + c] - mean[c];
      deviation[c] += deviations[block * channels + c] + rows * d * d;
    }
  }
}

using Three = std::tuple<Tensor, Tensor, Tensor>;

Three batch_norm_composed(const Tensor& x, const Tensor& residual, const Tensor& weight, const Tensor& bias,
                          const Tensor& running_mean, const Tensor& running_var, double momentum, double epsilon,
                          Activation activation) {
  auto result = at::native_batch_norm(x, weight, bias, running_mean, running_var, true, momentum, epsilon);
  Tensor y = std::get<0>(result);
  if (residual.defined()) y.add_(residual);
  if (activation == Activation::kRelu) y.relu_();
  if (activation == Activation::kSilu) at::silu_(y);
  return {y, std::get<1>(result), std::get<2>(result)};
}

// y = activation(batch norm of x + residual), with the batch's mean and inverse deviation; moves the running statistics.
Three batch_norm(const Tensor& input, const Optional<Tensor>& maybe_residual, const Tensor& weight,
                 const Tensor& bias, Tensor running_mean, Tensor running_var, double momentum, double epsilon,
                 int64_t activation_number) {
  const Activation activation = to_activation(activation_number);
  for (const Tensor& channels : {weight, bias, running_mean, running_var}) check_input(input, channels, "batch norm");
  Tensor residual = maybe_residual ? *maybe_residual : Tensor();
  if (residual.defined()) {
    TORCH_CHECK(activation == Activation::kRelu, "batch norm: a residual sum goes with ReLU");
    check_same(input, residual, "batch norm");
  }
  if (!has_rows(input)) {
    return batch_norm_composed(input, residual, weight, bias, running_mean, running_var, momentum, epsilon, activation);
  }
  const Tensor x = channels_last(input);
  if (residual.defined()) residual = channels_last(in_type_of(x, residual));
  const Blocks blocks(x);
  std::vector<double> average, deviation;
  moments(x, blocks, average, deviation);
  const Tensor mean = at::empty_like(weight), inverse = at::empty_like(weight);
  std::vector<float> factor(blocks.channels), shift(blocks.channels);
  const double unbiased = static_cast<double>(std::max<int64_t>(blocks.rows - 1, 1));
  for (int64_t c = 0; c < blocks.channels; c++) {
    const double inverse_deviation = 1.0 / std::sqrt(deviation[c] / static_cast<double>(blocks.rows) + epsilon);
    floats(mean)[c] = static_cast<float>(average[c]);
    floats(inverse)[c] = static_cast<float>(inverse_deviation);
    factor[c] = static_cast<float>(floats(weight)[c] * inverse_deviation);
    shift[c] = static_cast<float>(floats(bias)[c] - average[c] * floats(weight)[c] * inverse_deviation);
    float& running = floats(running_mean)[c];
    running = static_cast<float>((1.0 - momentum) * running + momentum * average[c]);
    float& spread = floats(running_var)[c];
    spread = static_cast<float>((1.0 - momentum) * spread + momentum * deviation[c] / unbiased);
  }
  const Tensor y = like(x);
  by_type(x, [&](auto type) {
    using T = decltype(type);
    const T* beside = data<T>(residual);
    blocks.each([&](int64_t, int64_t start, int64_t rows) {
      row_kernels<T>().normalize(data<T>(x) + start, beside ? beside + start : nullptr, data<T>(y) + start, rows,
                                 blocks.channels, factor.data(), shift.data(), activation);
    });
  });
  return {y, mean, inverse};
}

using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>;

Four batch_norm_backward_composed(const Tensor& dy, const Tensor& x, const Tensor& y, const Tensor& weight,
                                  const Tensor& bias, const Tensor& mean, const Tensor& inverse, bool has_residual,
                                  Activation activation) {
  Tensor g = in_type_of(x, dy);
  if (activation == Activation::kRelu) g = at::threshold_backward(g, y, 0);
  if (activation == Activation::kSilu) {
    const auto along = [](const Tensor& channels) { return channels.reshape({1, -1, 1, 1}); };
    const Tensor z = (x - along(mean)) * along(inverse * weight) + along(bias);
    g = at::silu_backward(g, z.to(g.scalar_type()));
  }
  auto result = at::native_batch_norm_backward(g, x, weight, {}, {}, mean, inverse, true, 0.0, {true, true, true});
  return {std::get<0>(result), has_residual ? g : Tensor(), std::get<1>(result), std::get<2>(result)};
}

// Gradients by x, the residual (undefined without one), weight and bias. `y` is what the forward pass gave, for ReLU.
Four batch_norm_backward(const Tensor& dy_given, const Tensor& input, const Optional<Tensor>& maybe_y,
                         const Tensor& weight, const Tensor& bias, const Tensor& mean, const Tensor& inverse,
                         bool has_residual, int64_t activation_number) {
  const Activation activation = to_activation(activation_number);
  for (const Tensor& channels : {weight, bias, mean, inverse}) check_input(input, channels, "batch norm's gradient");
  check_same(input, dy_given, "batch norm's gradient");
  TORCH_CHECK(!has_residual || activation == Activation::kRelu, "batch norm: a residual sum goes with ReLU");
  Tensor y = maybe_y ? *maybe_y : Tensor();
  if (activation == Activation::kRelu) {
    TORCH_CHECK(y.defined(), "batch norm's gradient: ReLU needs its output");
    check_same(input, y, "batch norm's gradient");
  }
  if (!has_rows(input)) {
    return batch_norm_backward_composed(dy_given, input, y, weight, bias, mean, inverse, has_residual, activation);
  }
  const Tensor x = channels_last(input), dy = channels_last(in_type_of(x, dy_given));
  if (y.defined()) y = channels_last(in_type_of(x, y));
  const Blocks blocks(x);
  const int64_t channels = blocks.channels;
  const Tensor g = has_residual ? like(x) : Tensor();
  std::vector<float> factor(channels), shift(channels), slope(channels), intercept(channels);
  for (int64_t c = 0; c < channels; c++) {
    factor[c] = floats(weight)[c] * floats(inverse)[c];
    shift[c] = floats(bias)[c] - floats(mean)[c] * factor[c];
  }
  std::vector<float> sums(blocks.count * channels), products(blocks.count * channels);
  by_type(x, [&](auto type) {
    using T = decltype(type);
    const T* output = data<T>(y);
    T* kept = data<T>(g);
    blocks.each([&](int64_t block, int64_t start, int64_t rows) {
      row_kernels<T>().reduce_gradient(data<T>(dy) + start, data<T>(x) + start, output ? output + start : nullptr,
                                       kept ? kept + start : nullptr, rows, channels, floats(mean), factor.data(),
                                       shift.data(), activation, &sums[block * channels], &products[block * channels]);
    });
  });
  std::vector<double> sum(channels), product(channels);
  for (int64_t block = 0; block < blocks.count; block++) {
    for (int64_t c = 0; c < channels; c++) {
      sum[c] += sums[block * channels + c];
      product[c] += products[block * channels + c];
    }
  }
  const Tensor d_weight = at::empty_like(weight), d_bias = at::empty_like(weight);
  for (int64_t c = 0; c < channels; c++) {
    const double inverse_deviation = floats(inverse)[c];
    floats(d_weight)[c] = static_cast<float>(product[c] * inverse_deviation);
    floats(d_bias)[c] = static_cast<float>(sum[c]);
    const double count = static_cast<double>(blocks.rows);
    const double by_x = -factor[c] * inverse_deviation * inverse_deviation * product[c] / count;
    slope[c] = static_cast<float>(by_x);
    intercept[c] = static_cast<float>(-factor[c] * sum[c] / count - by_x * floats(mean)[c]);
  }
  const Tensor dx = like(x);
  by_type(x, [&](auto type) {
    using T = decltype(type);
    const T* output = data<T>(y);
    const T* gradient = has_residual ? data<T>(g) : data<T>(dy);
    const Activation left = has_residual ? Activation::kNone : activation;
    blocks.each([&](int64_t, int64_t start, int64_t rows) {
      row_kernels<T>().input_gradient(gradient + start, data<T>(x) + start, output ? output + start : nullptr,
                                      data<T>(dx) + start, rows, channels, factor.data(), shift.data(), slope.data(),
                                      intercept.data(), left);
    });
  });
  return {dx, g, d_weight, d_bias};
}

// x = activation(x normalised by the running statistics + residual), in place: the end of a convolution in evaluation.
Tensor batch_norm_inference_(Tensor x, const Optional<Tensor>& maybe_residual, const Tensor& weight, const Tensor& bias,
                             const Tensor& mean, const Tensor& variance, double epsilon, int64_t activation_number) {
  const Activation activation = to_activation(activation_number);
  for (const Tensor& channels : {weight, bias, mean, variance}) check_input(x, channels, "batch norm");
  Tensor residual = maybe_residual ? *maybe_residual : Tensor();
  if (residual.defined()) check_same(x, residual, "batch norm");
  if (!has_rows(x) || !x.is_contiguous(at::MemoryFormat::ChannelsLast)) {
    const Tensor factor = weight * (variance + epsilon).rsqrt_(), shift = bias - mean * factor;
    x.mul_(factor.view({1, -1, 1, 1})).add_(shift.view({1, -1, 1, 1}));
    if (residual.defined()) x.add_(residual);
    if (activation == Activation::kRelu) x.relu_();
    if (activation == Activation::kSilu) at::silu_(x);
    return x;
  }
  if (residual.defined()) residual = channels_last(in_type_of(x, residual));
  const Blocks blocks(x);
  std::vector<float> factor(blocks.channels), shift(blocks.channels);
  for (int64_t c = 0; c < blocks.channels; c++) {
    factor[c] = static_cast<float>(floats(weight)[c] / std::sqrt(floats(variance)[c] + epsilon));
    shift[c] = floats(bias)[c] - floats(mean)[c] * factor[c];
  }
  by_type(x, [&](auto type) {
    using T = decltype(type);
    const T* beside = data<T>(residual);
    blocks.each([&](int64_t, int64_t start, int64_t rows) {
      row_kernels<T>().normalize(data<T>(x) + start, beside ? beside + start : nullptr, data<T>(x) + start, rows,
                                 blocks.channels, factor.data(), shift.data(), activation);
    });
  });
  return x;
}

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
    at::parallel_for(0, first.size(0) * height, std::max<int64_t>(kGrain / row, 1), [&](int64_t from, int64_t to) {
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
  return is_alone && a.is_non_overlapping_and_dense() ? a.add_(b) : a.add(b);
}

bool same_memory(const Tensor& a, const Tensor& b) {
  return a.device().is_cpu() && b.device().is_cpu() && a.scalar_type() == at::kFloat &&
         b.scalar_type() == at::kFloat && a.strides() == b.strides() && a.is_non_overlapping_and_dense();
}

struct AdamOptions {
  int64_t step;
  double rate, beta1, beta2, epsilon;
};

// On a GPU libtorch has one kernel for all parameters.
void adam_on_gpu(at::TensorList parameters, const std::vector<Tensor>& gradients, at::TensorList firsts,
                 at::TensorList seconds, const AdamOptions& options) {
  const Tensor step = at::full({}, static_cast<double>(options.step), parameters[0].options().dtype(at::kFloat));
  const std::vector<Tensor> steps(parameters.size(), step);
  at::_fused_adam_(parameters, gradients, firsts, seconds, {}, steps, options.rate, options.beta1, options.beta2,
                   /*weight_decay=*/0.0, options.epsilon, /*amsgrad=*/false, /*maximize=*/false);
}

void adam_composed(const Tensor& p, const Tensor& g, Tensor m, Tensor v, const AdamOptions& options) {
  const double correction1 = 1 - std::pow(options.beta1, options.step);
  const double correction2 = std::sqrt(1 - std::pow(options.beta2, options.step));
  m.mul_(options.beta1).add_(g, 1 - options.beta1);
  v.mul_(options.beta2).addcmul_(g, g, 1 - options.beta2);
  p.addcdiv_(m, v.sqrt().div_(correction2).add_(options.epsilon), -options.rate / correction1);
}

// Adam (Kingma & Ba 2015, Alg. 1) on every parameter, in place; `step` counts from 1.
void adam_(at::TensorList parameters, at::TensorList gradients, at::TensorList firsts, at::TensorList seconds,
           int64_t step, double rate, double beta1, double beta2, double epsilon) {
  const size_t count = parameters.size();
  TORCH_CHECK(gradients.size() == count && firsts.size() == count && seconds.size() == count,
              "adam_: ", count, " parameters, and ", gradients.size(), " gradients");
  TORCH_CHECK(step > 0, "adam_: step counts from 1, and is ", step);
  const AdamOptions options{step, rate, beta1, beta2, epsilon};
  std::vector<Tensor> laid_out;
  for (size_t i = 0; i < count; i++) {
    const Tensor &p = parameters[i], &g = gradients[i];
    TORCH_CHECK(p.sizes() == g.sizes() && p.sizes() == firsts[i].sizes() && p.sizes() == seconds[i].sizes(),
                "adam_: shapes differ at parameter ", i, ": ", p.sizes(), " and ", g.sizes());
    laid_out.push_back(p.strides() == g.strides() ? g : at::empty_like(p).copy_(g));
  }
  if (count > 0 && parameters[0].is_cuda()) return adam_on_gpu(parameters, laid_out, firsts, seconds, options);
  const double correction1 = 1 - std::pow(beta1, step), correction2 = std::sqrt(1 - std::pow(beta2, step));
  const AdamScalars scalars{static_cast<float>(beta1), static_cast<float>(beta2),
                            static_cast<float>(rate * correction2 / correction1),
                            static_cast<float>(epsilon * correction2)};
  for (size_t i = 0; i < count; i++) {
    const Tensor &p = parameters[i], &g = laid_out[i], &m = firsts[i], &v = seconds[i];
    if (!same_memory(p, g) || !same_memory(p, m) || !same_memory(p, v)) {
      adam_composed(p, g, m, v, options);
      continue;
    }
    at::parallel_for(0, p.numel(), kGrain, [&](int64_t from, int64_t to) {
      kernels().adam(floats(p) + from, floats(g) + from, floats(m) + from, floats(v) + from, to - from, scalars);
    });
  }
}

}  // namespace

TORCH_LIBRARY(posecraft, library) {
  library.def(
      "batch_norm(Tensor x, Tensor? residual, Tensor weight, Tensor bias, Tensor running_mean, Tensor running_var, "
      "float momentum, float epsilon, int activation) -> (Tensor, Tensor, Tensor)",
      batch_norm);
  library.def(
      "batch_norm_backward(Tensor dy, Tensor x, Tensor? y, Tensor weight, Tensor bias, Tensor mean, Tensor inverse, "
      "bool has_residual, int activation) -> (Tensor, Tensor, Tensor, Tensor)",
      batch_norm_backward);
  library.def(
      "batch_norm_inference_(Tensor(a!) x, Tensor? residual, Tensor weight, Tensor bias, Tensor mean, Tensor variance, "
      "float epsilon, int activation) -> Tensor(a!)",
      batch_norm_inference_);
  library.def("accumulate(Tensor a, Tensor b) -> Tensor", accumulate);
  library.def("sum_relu(Tensor[] terms) -> Tensor", sum_relu);
  library.def(
      "adam_(Tensor[] parameters, Tensor[] gradients, Tensor[] firsts, Tensor[] seconds, int step, float rate, "
      "float beta1, float beta2, float epsilon) -> ()",
      adam_);
}

}  // namespace posecraft
