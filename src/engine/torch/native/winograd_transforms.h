// The transforms of Winograd's algorithm, of squares of vectors: a part of winograd_kernels.cc, once for each instruction set.
#pragma once

#include "vectors.h"

namespace posecraft {
namespace ROWS_VARIANT {
namespace {

// One-dimensional transforms; the results are written `n` vectors apart. The interpolation points are 0, ±2/3, ±3/2 and
// infinity (Alam et al. 2022: ±c and ±1/c): the rounding error is a sixth of that with the usual 0, ±1, ±2 and infinity.
constexpr float kA = 2.0f / 3, kB = 3.0f / 2, kA2 = kA * kA, kB2 = kB * kB, kA3 = kA2 * kA, kB3 = kB2 * kB;
constexpr float kScaleA = 1 / (2 * kA2 * (kA2 - kB2)), kScaleB = 1 / (2 * kB2 * (kB2 - kA2));

// A polynomial at ±a and at ±b, from its even and its odd powers there.
inline __attribute__((always_inline)) void at_both_signs(Vec even, Vec odd, Vec even2, Vec odd2, Vec* out, int n) {
  out[n] = even + odd;
  out[2 * n] = even - odd;
  out[3 * n] = even2 + odd2;
  out[4 * n] = even2 - odd2;
}

// Bᵀ: 6 to 6
inline void transform_input(const Vec* d, Vec* out, int n) {
  const Vec even = d[4] - kB2 * d[2], odd = kA * d[3] - kB * d[1];
  const Vec even2 = d[4] - kA2 * d[2], odd2 = kB * d[3] - kA * d[1];
  out[0] = d[0] - (kA2 + kB2) * d[2] + d[4];
  at_both_signs(even, odd, even2, odd2, out, n);
  out[5 * n] = d[1] - (kA2 + kB2) * d[3] + d[5];
}

// Aᵀ: 6 to 4
inline void transform_output(const Vec* m, Vec* out, int n) {
  const Vec even = m[1] + m[2], odd = m[1] - m[2];
  const Vec even2 = m[3] + m[4], odd2 = m[3] - m[4];
  out[0] = m[0] + even + even2;
  out[n] = kA * odd + kB * odd2;
  out[2 * n] = kA2 * even + kB2 * even2;
  out[3 * n] = kA3 * odd + kB3 * odd2 + m[5];
}

// A: 4 to 6
inline void transform_gradient(const Vec* d, Vec* out, int n) {
  const Vec even = d[0] + kA2 * d[2], odd = kA * d[1] + kA3 * d[3];
  const Vec even2 = d[0] + kB2 * d[2], odd2 = kB * d[1] + kB3 * d[3];
  out[0] = d[0];
  at_both_signs(even, odd, even2, odd2, out, n);
  out[5 * n] = d[3];
}

// G: 3 to 6
inline void transform_weights(const Vec* g, Vec* out, int n) {
  const Vec even = kScaleA * g[0] + (kScaleA * kA2) * g[2], odd = (kScaleA * kA) * g[1];
  const Vec even2 = kScaleB * g[0] + (kScaleB * kB2) * g[2], odd2 = (kScaleB * kB) * g[1];
  out[0] = g[0];
  at_both_signs(even, odd, even2, odd2, out, n);
  out[5 * n] = g[2];
}

// Gᵀ: 6 to 3
inline void transform_weight_gradient(const Vec* u, Vec* out, int n) {
  const Vec even = kScaleA * (u[1] + u[2]), odd = (kScaleA * kA) * (u[1] - u[2]);
  const Vec even2 = kScaleB * (u[3] + u[4]), odd2 = (kScaleB * kB) * (u[3] - u[4]);
  out[0] = u[0] + even + even2;
  out[n] = odd + odd2;
  out[2 * n] = kA2 * even + kB2 * even2 + u[5];
}

// The transform over both axes of a square of `from` × `from` vectors: read(row, column), write(row, column, vector) in
// the order of rows.
template <int from, int to, void (*transform)(const Vec*, Vec*, int), typename Read, typename Write>
inline __attribute__((always_inline)) void in_both_axes(const Read& read, const Write& write) {
  Vec half[to][from];
#pragma GCC unroll 6
  for (int j = 0; j < from; j++) {
    Vec column[from];
#pragma GCC unroll 6
    for (int i = 0; i < from; i++) column[i] = read(i, j);
    transform(column, &half[0][j], from);
  }
#pragma GCC unroll 6
  for (int i = 0; i < to; i++) {
    Vec row[to];
    transform(half[i], row, 1);
#pragma GCC unroll 6
    for (int j = 0; j < to; j++) write(i, j, row[j]);
  }
}

}  // namespace
}  // namespace ROWS_VARIANT
}  // namespace posecraft
