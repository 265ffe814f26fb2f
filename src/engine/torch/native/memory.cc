#include "memory.h"

#include <torch/library.h>

#include "block_cache.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace posecraft {

void tune_allocator() {
  use_block_cache();
#ifdef __GLIBC__
  // glibc would give each large activation back to the kernel and fault it in again at the next step.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

void give_memory_back() {
  block_cache().clear();
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace posecraft

TORCH_LIBRARY_FRAGMENT(posecraft, library) {
  library.def("give_memory_back() -> ()", posecraft::give_memory_back);
}
