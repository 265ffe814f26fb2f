// The device on which tensors are made, and how libtorch may compute there.
#pragma once

#include <ATen/ATen.h>

#include <string>

namespace posecraft {

// What libtorch can use; 0 without CUDA.
int64_t cuda_devices();

// "cpu", "cuda" or "cuda:1"; throws std::runtime_error if there is no such device.
void set_device(const std::string& name);
const c10::Device& device();

// Whether float32 products on a GPU may round their operands to 10 bits, which is several times as fast.
void allow_tf32(bool allowed);

// Whether the same inputs must give the same bits, at the price of slower kernels on a GPU.
void set_deterministic(bool wanted);

// A copy of host memory on the device; to a GPU it goes through pinned memory and nothing waits for it.
at::Tensor from_host(const void* data, size_t bytes, at::IntArrayRef sizes, at::ScalarType type);

}  // namespace posecraft
