// Vectors of floats, to be read from and written to float and bfloat16: a part of rows.cc and winograd_kernels.cc, once for
// each instruction set.
#pragma once

#include <cstdint>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "rows.h"

namespace posecraft {
namespace ROWS_VARIANT {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Vec __attribute__((vector_size(4 * kLanes)));
typedef float Unaligned __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
typedef uint32_t Bits __attribute__((vector_size(4 * kLanes)));
typedef int32_t Lanes __attribute__((vector_size(4 * kLanes)));
typedef uint16_t Halves __attribute__((vector_size(2 * kLanes)));
typedef uint16_t UnalignedHalves __attribute__((vector_size(2 * kLanes), aligned(2), may_alias));

inline Vec load(const float* x) { return *reinterpret_cast<const Unaligned*>(x); }
inline Vec load(const Bfloat16* x) {
  const Halves halves = *reinterpret_cast<const UnalignedHalves*>(x);
  // Where there is an instruction for it, GCC still converts each half by itself.
#if defined(__AVX512F__)
  const Bits bits = reinterpret_cast<Bits>(_mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(halves)));
#elif defined(__AVX2__)
  const Bits bits = reinterpret_cast<Bits>(_mm256_cvtepu16_epi32(reinterpret_cast<__m128i>(halves)));
#else
  const Bits bits = __builtin_convertvector(halves, Bits);
#endif
  return reinterpret_cast<Vec>(bits << 16);
}

inline void store(float* to, Vec value) { *reinterpret_cast<Unaligned*>(to) = value; }
// To the nearest, ties to even; a NaN stays one. The instruction takes what is below 2^-126 for 0.
inline void store(Bfloat16* to, Vec value) {
#ifdef __AVX512BF16__
  const __m256bh rounded = _mm512_cvtneps_pbh(reinterpret_cast<__m512>(value));
  *reinterpret_cast<UnalignedHalves*>(to) = reinterpret_cast<Halves>(rounded);
#else
  const Bits bits = reinterpret_cast<Bits>(value);
  const Bits rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const Bits quiet = Bits{} + 0x7fc0;
  *reinterpret_cast<UnalignedHalves*>(to) = __builtin_convertvector(value == value ? rounded : quiet, Halves);
#endif
}

// How much of a vector there is: all of it, or only its first lanes. The others are read as 0, and not written.
struct Whole {};
struct Part {
  int64_t lanes;
};

template <typename T>
inline Vec load(const T* x, Whole) {
  return load(x);
}
template <typename T>
inline Vec load(const T* x, Part part) {
  T lanes[kLanes] = {};
  for (int64_t i = 0; i < part.lanes; i++) lanes[i] = x[i];
  return load(lanes);
}

template <typename T>
inline void store(T* to, Vec value, Whole) {
  store(to, value);
}
template <typename T>
inline void store(T* to, Vec value, Part part) {
  T lanes[kLanes];
  store(lanes, value);
  for (int64_t i = 0; i < part.lanes; i++) to[i] = lanes[i];
}

// body(first element, how much) for each vector of a row of `count`.
template <typename Body>
inline __attribute__((always_inline)) void each_vector(int64_t count, const Body& body) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) body(i, Whole{});
  if (i < count) body(i, Part{count - i});
}

}  // namespace
}  // namespace ROWS_VARIANT
}  // namespace posecraft
