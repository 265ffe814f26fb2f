// Batch normalisation with what follows it (a residual sum, an activation), both ways, in as few passes over memory as
// there can be. Other devices and element types than those of rows.h are composed of ATen's operators.
#include <torch/library.h>

#include "blocks.h"
#include "optional.h"

namespace posecraft {

namespace {

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

}  // namespace

TORCH_LIBRARY_FRAGMENT(posecraft, library) {
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
}

}  // namespace posecraft
