#include "block_cache.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace posecraft {

namespace {

constexpr size_t kLine = 64;
// Tensors from this size on have pages of their own.
constexpr size_t kLarge = 1 << 16;
// What is mapped at a time for blocks to come: huge pages only lie where all of one is mapped.
constexpr size_t kHugePage = 1 << 21, kRegion = 1 << 25;
// What may be mapped beyond the most that was in use at once: a quarter of it. A step whose sizes come in another order
// does not map and fault in anew then.
constexpr size_t kSlack = 4;

size_t page() {
  static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

size_t rounded(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

void unmap(void* pages, size_t bytes) {
  if (bytes > 0) munmap(pages, bytes);
}

[[noreturn]] void refuse(size_t bytes) {
  TORCH_CHECK(false, "can't allocate memory: you tried to allocate ", bytes, " bytes");
}

}  // namespace

// In the line before the tensor.
struct BlockCache::Header {
  void* memory;
  // Of its pages; 0 for a small one, which is malloc's.
  size_t capacity;
};

void* BlockCache::allocate(size_t bytes) {
  if (bytes == 0) return nullptr;
  if (bytes > SIZE_MAX / 2) refuse(bytes);
  Header header{nullptr, 0};
  size_t offset = kLine;
  if (bytes < kLarge) {
    if (posix_memalign(&header.memory, kLine, kLine + bytes) != 0) refuse(bytes);
  } else {
    const std::lock_guard<std::mutex> lock(mutex_);
    // At one and the same place in a page all tensors would compete for the same lines of the cache.
    offset += blocks_++ * 5 % (page() / kLine) * kLine;
    header.memory = take(rounded(bytes + page(), page()), &header.capacity);
    if (!header.memory) refuse(bytes);
  }
  char* const data = static_cast<char*>(header.memory) + offset;
  std::memcpy(data - kLine, &header, sizeof header);
  return data;
}

void BlockCache::release(void* data) {
  if (!data) return;
  Header header;
  std::memcpy(&header, static_cast<char*>(data) - kLine, sizeof header);
  if (header.capacity == 0) std::free(header.memory);
  else block_cache().keep(header.memory, header.capacity);
}

void* BlockCache::take(size_t capacity, size_t* taken) {
  const auto found = by_size_.lower_bound(capacity);
  void* pages;
  if (found != by_size_.end() && found->first <= capacity + capacity / 8) {
    const Free::iterator block = found->second;
    capacity = block->capacity;
    pages = block->pages;
    by_size_.erase(found);
    free_.erase(block);
  } else {
    const size_t most = std::max(most_used_ + most_used_ / kSlack, used_ + capacity);
    while (!free_.empty() && mapped_ + capacity > most) unmap_oldest();
    pages = map(capacity);
    while (!pages && !free_.empty()) {
      unmap_oldest();
      pages = map(capacity);
    }
    if (!pages) return nullptr;
    mapped_ += capacity;
  }
  used_ += capacity;
  most_used_ = std::max(most_used_, used_);
  *taken = capacity;
  return pages;
}

void* BlockCache::map(size_t capacity) {
  if (capacity > region_size_) {
    const size_t size = std::max(kRegion, rounded(capacity, kHugePage));
    void* const mapped =
        mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    unmap(region_, region_size_);
    char* const begin = static_cast<char*>(mapped);
    region_ = begin + (rounded(reinterpret_cast<size_t>(begin), kHugePage) - reinterpret_cast<size_t>(begin));
    region_size_ = size;
    unmap(begin, region_ - begin);
    unmap(region_ + size, begin + kHugePage - region_);
#ifdef MADV_HUGEPAGE
    madvise(region_, size, MADV_HUGEPAGE);
#endif
  }
  void* const pages = region_;
  region_ += capacity;
  region_size_ -= capacity;
  return pages;
}

void BlockCache::keep(void* pages, size_t capacity) {
  const std::lock_guard<std::mutex> lock(mutex_);
  used_ -= capacity;
  free_.push_back({pages, capacity, {}});
  free_.back().by_size = by_size_.emplace_hint(by_size_.lower_bound(capacity), capacity, std::prev(free_.end()));
}

void BlockCache::unmap_oldest() {
  const Block& oldest = free_.front();
  unmap(oldest.pages, oldest.capacity);
  mapped_ -= oldest.capacity;
  by_size_.erase(oldest.by_size);
  free_.pop_front();
}

void BlockCache::clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  while (!free_.empty()) unmap_oldest();
  most_used_ = used_;
}

BlockCache& block_cache() {
  // Never destroyed: tensors may outlive all that is static.
  static BlockCache* const cache = new BlockCache();
  return *cache;
}

namespace {

// Between versions of libtorch `allocate` lost its `const`, and `copy_data` came: where they override nothing, they are
// only methods more.
struct CpuAllocator final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) const {
    void* const data = block_cache().allocate(bytes);
    return {data, data, &BlockCache::release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DataPtr allocate(size_t bytes) { return static_cast<const CpuAllocator*>(this)->allocate(bytes); }
  c10::DeleterFnPtr raw_deleter() const override { return &BlockCache::release; }
  void copy_data(void* to, const void* from, size_t bytes) const { std::memcpy(to, from, bytes); }
};

}  // namespace

void use_block_cache() {
  static CpuAllocator allocator;
  c10::SetCPUAllocator(&allocator, 1);
}

}  // namespace posecraft
