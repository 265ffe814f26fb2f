// Memory of large tensors, kept for the next one of its size.
#pragma once

#include <c10/core/Allocator.h>

#include <cstdint>
#include <list>
#include <map>
#include <mutex>

namespace posecraft {

// Gives large tensors pages of their own and keeps these when a tensor is freed: a training step asks for the same sizes
// again and again. What is mapped never exceeds what was in use at once, as older free blocks go back to the system
// before another is mapped. In one heap with all small things, as malloc has it, these pin the holes between the tensors,
// and it grows by a third.
class BlockCache {
 public:
  // `bytes` at an address that is a multiple of 64. Throws c10::Error where there is no memory.
  void* allocate(size_t bytes);
  static void release(void* data);
  // Gives what is free to the system.
  void clear();

 private:
  struct Block;
  struct Header;
  using Free = std::list<Block>;

  struct Block {
    void* pages;
    size_t capacity;
    std::multimap<size_t, Free::iterator>::iterator by_size;
  };

  void* take(size_t capacity, size_t* taken);
  void* map(size_t capacity);
  void keep(void* pages, size_t capacity);
  void unmap_oldest();

  std::mutex mutex_;
  // In the order in which they were freed.
  Free free_;
  std::multimap<size_t, Free::iterator> by_size_;
  // What is mapped and not given out yet.
  char* region_ = nullptr;
  size_t region_size_ = 0;
  size_t used_ = 0, most_used_ = 0, mapped_ = 0, blocks_ = 0;
};

BlockCache& block_cache();

// Makes it the allocator of libtorch's tensors on the CPU.
void use_block_cache();

}  // namespace posecraft
