// Chooses among the copies of rows.cc and winograd_kernels.cc when the program starts.
#include "rows.h"
#include "winograd_kernels.h"

namespace posecraft {

namespace avx512 {
extern const Kernels table;
extern const WinogradKernels winograd;
}  // namespace avx512
namespace avx2 {
extern const Kernels table;
extern const WinogradKernels winograd;
}  // namespace avx2
namespace baseline {
extern const Kernels table;
}

namespace {

struct Chosen {
  const Kernels& rows;
  const WinogradKernels* winograd;
};

const Chosen& chosen() {
#ifdef ROWS_X86
  static const Chosen best = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
                                 ? Chosen{avx512::table, &avx512::winograd}
                             : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                                 ? Chosen{avx2::table, &avx2::winograd}
                                 : Chosen{baseline::table, nullptr};
#else
  static const Chosen best{baseline::table, nullptr};
#endif
  return best;
}

}  // namespace

const Kernels& kernels() { return chosen().rows; }

const WinogradKernels* winograd_kernels() { return chosen().winograd; }

}  // namespace posecraft
