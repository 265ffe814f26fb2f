// The table of tensors that JavaScript holds by handle. A handle carries the generation of its slot, so that a
// released handle is recognised instead of naming whatever came to live in its slot.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <vector>

namespace posecraft {

class TensorTable {
 public:
  // Handles stay below 2^53, the integers that a JavaScript number holds exactly.
  static constexpr int64_t kSlots = int64_t{1} << 24;
  static constexpr int64_t kGenerations = int64_t{1} << 29;

  int64_t add(at::Tensor tensor) {
    int64_t slot;
    if (free_.empty()) {
      slot = static_cast<int64_t>(slots_.size());
      if (slot >= kSlots) throw std::runtime_error("too many live tensors");
      slots_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    slots_[slot].tensor = std::move(tensor);
    return slots_[slot].generation * kSlots + slot;
  }

  const at::Tensor& get(int64_t handle) const { return slots_[slot_of(handle)].tensor; }

  void release(int64_t handle) {
    const int64_t slot = slot_of(handle);
    slots_[slot].tensor = at::Tensor();
    // A slot that has had all its generations, after days in the busiest place, is not used again.
    if (++slots_[slot].generation < kGenerations) {
      free_.push_back(slot);
    } else {
      retired_++;
    }
  }

  void clear() {
    for (int64_t slot = 0; slot < static_cast<int64_t>(slots_.size()); slot++) {
      if (slots_[slot].tensor.defined()) release(slots_[slot].generation * kSlots + slot);
    }
  }

  int64_t live() const { return static_cast<int64_t>(slots_.size() - free_.size()) - retired_; }

  // Bytes of the distinct storages behind the live tensors; views are counted once.
  int64_t bytes() const {
    std::unordered_set<const void*> seen;
    int64_t total = 0;
    for (const auto& slot : slots_) {
      if (!slot.tensor.defined() || !slot.tensor.has_storage()) continue;
      if (seen.insert(slot.tensor.storage().unsafeGetStorageImpl()).second) {
        total += static_cast<int64_t>(slot.tensor.storage().nbytes());
      }
    }
    return total;
  }

 private:
  struct Slot {
    at::Tensor tensor;
    int64_t generation = 1;
  };

  int64_t slot_of(int64_t handle) const {
    const int64_t slot = handle % kSlots;
    if (handle < 0 || slot >= static_cast<int64_t>(slots_.size()) || !slots_[slot].tensor.defined() ||
        slots_[slot].generation != handle / kSlots) {
      throw std::runtime_error("tensor handle " + std::to_string(handle) + " is disposed or was never given out");
    }
    return slot;
  }

  std::vector<Slot> slots_;
  std::vector<int64_t> free_;
  int64_t retired_ = 0;
};

TensorTable& tensors();

}  // namespace posecraft
