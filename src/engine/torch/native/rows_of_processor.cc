// Chooses among the copies of rows.cc when the program starts.
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

}  // namespace posecraft
