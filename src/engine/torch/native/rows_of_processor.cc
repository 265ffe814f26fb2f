// Chooses among the copies of rows.cc and winograd_kernels.cc when the program starts.
#include "rows.h"
#include "winograd_kernels.h"

namespace posecraft {

namespace avx512 {
extern const Kernels table;
extern const WinogradKernels winograd;
}  // namespace avx512
namespace avx512_bfloat16 {
extern const Kernels table;
extern const WinogradKernels winograd;
}  // namespace avx512_bfloat16
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
  static const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  static const bool has_bfloat16 = __builtin_cpu_supports("avx512bf16");
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  static const Chosen best =
      has_avx512 && has_bfloat16 ? Chosen{avx512_bfloat16::table, &avx512_bfloat16::winograd}
      : has_avx512               ? Chosen{avx512::table, &avx512::winograd}
      : has_avx2                 ? Chosen{avx2::table, &avx2::winograd}
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
