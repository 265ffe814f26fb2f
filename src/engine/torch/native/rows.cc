// See rows.h. ROWS_VARIANT names the instruction set that this copy is compiled for.
#include "rows.h"

#include <cstring>

namespace posecraft {
namespace ROWS_VARIANT {
namespace {

inline float load(const float& x) { return x; }
inline float load(const Bfloat16& x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline void store(float& to, float value) { to = value; }
inline void store(Bfloat16& to, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  // To the nearest, ties to even; a NaN stays one.
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  to.bits = value == value ? static_cast<uint16_t>(rounded) : uint16_t{0x7fc0};
}

// e^x within two units in the last place, by the power of two next to it and a polynomial (Cephes).
inline float exponential(float x) {
  x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
  const float shifted = x * 1.44269504f + 12582912.0f;  // 1.5 · 2^23: the whole part lands in the lowest bits
  int32_t power;
  std::memcpy(&power, &shifted, sizeof(power));
  const float whole = shifted - 12582912.0f;
  const float r = (x - whole * 0.693359375f) - whole * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const uint32_t bits = static_cast<uint32_t>(power - 0x4b400000 + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof(scale));
  return p * scale;
}

template <Activation activation>
inline float activate(float z) {
  if (activation == Activation::kRelu) return z > 0.0f || z != z ? z : 0.0f;
  if (activation == Activation::kSilu) return z / (1.0f + exponential(-z));
  return z;
}

// dy · activation'(z); for ReLU the sign of its output y says as much.
template <Activation activation, typename T>
inline float through(float dy, const T* y, float z, int64_t i) {
  if (activation == Activation::kRelu) return load(y[i]) > 0.0f ? dy : 0.0f;
  if (activation == Activation::kSilu) {
    const float s = 1.0f / (1.0f + exponential(-z));
    return dy * s * (1.0f + z * (1.0f - s));
  }
  return dy;
}

// In one pass: sums of the distance from the first row, which is near enough to the mean for nothing to cancel.
template <typename T>
void moments(const T* x, int64_t rows, int64_t channels, float* __restrict mean, float* __restrict deviation) {
  for (int64_t c = 0; c < channels; c++) mean[c] = deviation[c] = 0.0f;
  for (int64_t r = 1; r < rows; r++) {
    const T* row = x + r * channels;
    for (int64_t c = 0; c < channels; c++) {
      const float d = load(row[c]) - load(x[c]);
      mean[c] += d;
      deviation[c] += d * d;
    }
  }
  const float share = 1.0f / static_cast<float>(rows);
  for (int64_t c = 0; c < channels; c++) {
    const float shift = mean[c] * share;
    deviation[c] = deviation[c] > mean[c] * shift ? deviation[c] - mean[c] * shift : 0.0f;
    mean[c] = load(x[c]) + shift;
  }
}

template <typename T, Activation activation, bool has_residual>
void normalize_rows(const T* x, const T* residual, T* y, int64_t rows, int64_t channels, const float* factor,
                    const float* shift) {
  for (int64_t r = 0; r < rows; r++) {
    const int64_t start = r * channels;
    // y may be x itself, but no other part of it.
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; c++) {
      float z = load(x[start + c]) * factor[c] + shift[c];
      if (has_residual) z += load(residual[start + c]);
      store(y[start + c], activate<activation>(z));
    }
  }
}

template <typename T, Activation activation>
void normalize_as(const T* x, const T* residual, T* y, int64_t rows, int64_t channels, const float* factor,
                  const float* shift) {
  if (residual) {
    normalize_rows<T, activation, true>(x, residual, y, rows, channels, factor, shift);
  } else {
    normalize_rows<T, activation, false>(x, nullptr, y, rows, channels, factor, shift);
  }
}

template <typename T>
void normalize(const T* x, const T* residual, T* y, int64_t rows, int64_t channels, const float* factor,
               const float* shift, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return normalize_as<T, Activation::kNone>(x, residual, y, rows, channels, factor, shift);
    case Activation::kRelu:
      return normalize_as<T, Activation::kRelu>(x, residual, y, rows, channels, factor, shift);
    case Activation::kSilu:
      return normalize_as<T, Activation::kSilu>(x, residual, y, rows, channels, factor, shift);
  }
}

template <typename T, Activation activation, bool keeps>
void reduce_rows(const T* dy, const T* x, const T* y, T* __restrict g, int64_t rows, int64_t channels,
                 const float* mean, const float* factor, const float* shift, float* __restrict sum_g,
                 float* __restrict sum_gx) {
  for (int64_t c = 0; c < channels; c++) sum_g[c] = sum_gx[c] = 0.0f;
  for (int64_t r = 0; r < rows; r++) {
    const int64_t start = r * channels;
    for (int64_t c = 0; c < channels; c++) {
      const int64_t i = start + c;
      const float value = load(x[i]);
      const float gradient = through<activation>(load(dy[i]), y, value * factor[c] + shift[c], i);
      if (keeps) store(g[i], gradient);
      sum_g[c] += gradient;
      sum_gx[c] += gradient * (value - mean[c]);
    }
  }
}

template <typename T, Activation activation>
void reduce_as(const T* dy, const T* x, const T* y, T* g, int64_t rows, int64_t channels, const float* mean,
               const float* factor, const float* shift, float* sum_g, float* sum_gx) {
  if (g) {
    reduce_rows<T, activation, true>(dy, x, y, g, rows, channels, mean, factor, shift, sum_g, sum_gx);
  } else {
    reduce_rows<T, activation, false>(dy, x, y, nullptr, rows, channels, mean, factor, shift, sum_g, sum_gx);
  }
}

template <typename T>
void reduce_gradient(const T* dy, const T* x, const T* y, T* g, int64_t rows, int64_t channels, const float* mean,
                     const float* factor, const float* shift, Activation activation, float* sum_g, float* sum_gx) {
  switch (activation) {
    case Activation::kNone:
      return reduce_as<T, Activation::kNone>(dy, x, y, g, rows, channels, mean, factor, shift, sum_g, sum_gx);
    case Activation::kRelu:
      return reduce_as<T, Activation::kRelu>(dy, x, y, g, rows, channels, mean, factor, shift, sum_g, sum_gx);
    case Activation::kSilu:
      return reduce_as<T, Activation::kSilu>(dy, x, y, g, rows, channels, mean, factor, shift, sum_g, sum_gx);
  }
}

template <typename T, Activation activation>
void input_rows(const T* dy, const T* x, const T* y, T* __restrict dx, int64_t rows, int64_t channels,
                const float* factor, const float* shift, const float* slope, const float* intercept) {
  for (int64_t r = 0; r < rows; r++) {
    const int64_t start = r * channels;
    for (int64_t c = 0; c < channels; c++) {
      const int64_t i = start + c;
      const float value = load(x[i]);
      const float gradient = through<activation>(load(dy[i]), y, value * factor[c] + shift[c], i);
      store(dx[i], gradient * factor[c] + value * slope[c] + intercept[c]);
    }
  }
}

template <typename T>
void input_gradient(const T* dy, const T* x, const T* y, T* dx, int64_t rows, int64_t channels, const float* factor,
                    const float* shift, const float* slope, const float* intercept, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return input_rows<T, Activation::kNone>(dy, x, y, dx, rows, channels, factor, shift, slope, intercept);
    case Activation::kRelu:
      return input_rows<T, Activation::kRelu>(dy, x, y, dx, rows, channels, factor, shift, slope, intercept);
    case Activation::kSilu:
      return input_rows<T, Activation::kSilu>(dy, x, y, dx, rows, channels, factor, shift, slope, intercept);
  }
}

template <typename T, bool is_first, bool is_last>
void add_cells(T* __restrict y, const T* x, int64_t width, int64_t channels, int64_t factor) {
  for (int64_t w = 0; w < width; w++) {
    T* cell = y + w * channels;
    const T* from = x + w / factor * channels;
    for (int64_t c = 0; c < channels; c++) {
      const float sum = is_first ? load(from[c]) : load(cell[c]) + load(from[c]);
      store(cell[c], is_last ? activate<Activation::kRelu>(sum) : sum);
    }
  }
}

template <typename T>
void add_repeated(T* y, const T* x, int64_t width, int64_t channels, int64_t factor, bool is_first, bool is_last) {
  if (is_first) {
    if (is_last) add_cells<T, true, true>(y, x, width, channels, factor);
    else add_cells<T, true, false>(y, x, width, channels, factor);
  } else {
    if (is_last) add_cells<T, false, true>(y, x, width, channels, factor);
    else add_cells<T, false, false>(y, x, width, channels, factor);
  }
}

void adam(float* __restrict parameter, const float* __restrict gradient, float* __restrict first,
          float* __restrict second, int64_t count, AdamScalars s) {
  for (int64_t i = 0; i < count; i++) {
    const float g = gradient[i];
    const float m = s.beta1 * first[i] + (1.0f - s.beta1) * g;
    const float v = s.beta2 * second[i] + (1.0f - s.beta2) * g * g;
    first[i] = m;
    second[i] = v;
    parameter[i] -= s.rate * m / (__builtin_sqrtf(v) + s.epsilon);
  }
}

template <typename T>
constexpr RowKernels<T> rows() {
  return {moments<T>, normalize<T>, reduce_gradient<T>, input_gradient<T>, add_repeated<T>};
}

}  // namespace

extern const Kernels table;
const Kernels table = {rows<float>(), rows<Bfloat16>(), adam};

}  // namespace ROWS_VARIANT
}  // namespace posecraft
