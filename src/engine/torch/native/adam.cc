// Adam's step over all parameters at once, in place.
#include <torch/library.h>

#include "blocks.h"

namespace posecraft {

namespace {

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
    share_out_evenly(p.numel(), kGrain, [&](int64_t from, int64_t to) {
      kernels().adam(floats(p) + from, floats(g) + from, floats(m) + from, floats(v) + from, to - from, scalars);
    });
  }
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(posecraft, library) {
  library.def(
      "adam_(Tensor[] parameters, Tensor[] gradients, Tensor[] firsts, Tensor[] seconds, int step, float rate, "
      "float beta1, float beta2, float epsilon) -> ()",
      adam_);
}

}  // namespace posecraft
