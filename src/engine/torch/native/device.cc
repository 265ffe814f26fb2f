#include "device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <cstring>
#include <stdexcept>

namespace posecraft {

namespace {

c10::Device current(c10::kCPU);

}  // namespace

int64_t cuda_devices() {
  return at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0;
}

const c10::Device& device() { return current; }

void set_device(const std::string& name) {
  c10::Device wanted(name);
  if (wanted.is_cuda()) {
    const int64_t count = cuda_devices();
    const int64_t index = wanted.has_index() ? wanted.index() : 0;
    if (index >= count) {
      throw std::runtime_error("device " + name + ": libtorch sees " + std::to_string(count) + " CUDA devices");
    }
    wanted = c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
    // Shapes are the same at every step: cuDNN may try its algorithms once and keep the fastest.
    at::globalContext().setBenchmarkCuDNN(!at::globalContext().deterministicCuDNN());
  } else if (!wanted.is_cpu()) {
    throw std::runtime_error("device " + name + ": expected cpu or cuda");
  }
  current = wanted;
}

void allow_tf32(bool allowed) {
  at::globalContext().setAllowTF32CuBLAS(allowed);
  at::globalContext().setAllowTF32CuDNN(allowed);
}

void set_deterministic(bool wanted) {
  // Operators without a deterministic form on a GPU go on, and libtorch warns of each once.
  at::globalContext().setDeterministicAlgorithms(wanted, true);
  at::globalContext().setDeterministicCuDNN(wanted);
  at::globalContext().setBenchmarkCuDNN(current.is_cuda() && !wanted);
}

at::Tensor from_host(const void* data, size_t bytes, at::IntArrayRef sizes, at::ScalarType type) {
  const bool is_remote = !current.is_cpu();
  at::Tensor host = at::empty(sizes, at::TensorOptions().dtype(type).pinned_memory(is_remote));
  if (bytes > 0) std::memcpy(host.data_ptr(), data, bytes);
  return is_remote ? host.to(current, /*non_blocking=*/true) : host;
}

}  // namespace posecraft
