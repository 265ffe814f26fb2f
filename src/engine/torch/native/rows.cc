// See rows.h. ROWS_VARIANT names the instruction set that this copy is compiled for.
#include "rows.h"

#include <cstring>

#include "vectors.h"

namespace posecraft {
namespace ROWS_VARIANT {
namespace {

// e^x within two units in the last place, by the power of two next to it and a polynomial (Cephes).
inline Vec exponential(Vec x) {
  x = x < -87.0f ? Vec{} - 87.0f : x;
  x = x > 88.0f ? Vec{} + 88.0f : x;
  const Vec shifted = x * 1.44269504f + 12582912.0f;  // 1.5 · 2^23: the whole part lands in the lowest bits
  const Vec whole = shifted - 12582912.0f;
  const Vec r = (x - whole * 0.693359375f) - whole * -2.12194440e-4f;
  Vec p = Vec{} + 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * reinterpret_cast<Vec>((reinterpret_cast<Bits>(shifted) - 0x4b400000 + 127) << 23);
}

template <Activation activation>
inline Vec activate(Vec z) {
  if (activation == Activation::kRelu) return (z > 0.0f) | (z != z) ? z : Vec{};
  if (activation == Activation::kSilu) return z / (1.0f + exponential(-z));
  return z;
}

// dy · activation'(z); for ReLU the sign of its output y says as much.
template <Activation activation>
inline Vec through(Vec dy, Vec y, Vec z) {
  if (activation == Activation::kRelu) return y > 0.0f ? dy : Vec{};
  if (activation == Activation::kSilu) {
    const Vec s = 1.0f / (1.0f + exponential(-z));
    return dy * s * (1.0f + z * (1.0f - s));
  }
  return dy;
}

// Rows of few channels are taken several at a time, as one of whole vectors, at least kWide long.
constexpr int64_t kWide = 128, kWidest = kWide * kLanes;

inline int64_t width_of(int64_t channels) {
  int64_t width = channels;
  if (channels >= kWide) return width;
  while (width % kLanes != 0 || width < kWide) width *= 2;
  return width;
}

// Of the elements of a wide row.
using Wide = float[kWidest];

// What each channel has, for each element of a wide row; in `own` if that is not the same.
inline const float* repeated(const float* of_channels, int64_t channels, int64_t width, Wide& own) {
  if (width == channels) return of_channels;
  std::memcpy(own, of_channels, sizeof(float) * channels);
  for (int64_t done = channels; done < width; done *= 2) std::memcpy(own + done, own, sizeof(float) * done);
  return own;
}

// Where sums by channel are gathered, by the elements of a wide row: in `own` if there are more of these.
inline float* no_sums(float* of_channels, int64_t channels, int64_t width, Wide& own) {
  float* const sums = width == channels ? of_channels : own;
  std::memset(sums, 0, sizeof(float) * width);
  return sums;
}

template <typename Some>
inline void add(float* sums, Vec value, Some some) {
  store(sums, load(sums, some) + value, some);
}

inline void add_up(const float* sums, int64_t channels, int64_t width, float* of_channels) {
  if (width == channels) return;
  std::memcpy(of_channels, sums, sizeof(float) * channels);
  for (int64_t start = channels; start < width; start += channels) {
    each_vector(channels, [&](int64_t c, auto some) { add(of_channels + c, load(sums + start + c, some), some); });
  }
}

// body(element, its place in a wide row, how much of a vector) over `rows` of `channels`.
template <typename Body>
inline __attribute__((always_inline)) void each_element(int64_t rows, int64_t channels, const Body& body) {
  const int64_t count = rows * channels, width = width_of(channels);
  for (int64_t start = 0; start < count; start += width) {
    each_vector(width < count - start ? width : count - start,
                [&](int64_t c, auto some) { body(start + c, c, some); });
  }
}

struct Terms {
  Vec first, second;
};

// The sums of the terms(element, its place in a wide row, how much of a vector) over `rows` of `channels`: of as many vectors at
// once as there are registers for.
template <typename Of>
inline __attribute__((always_inline)) void add_terms(int64_t rows, int64_t channels, float* first, float* second,
                                                     const Of& terms) {
  constexpr int kAtOnce = kLanes / 2;
  const int64_t count = rows * channels, width = width_of(channels), whole = count - count % width;
  int64_t column = 0;
  for (; column + kAtOnce * kLanes <= width; column += kAtOnce * kLanes) {
    Terms sums[kAtOnce] = {};
    for (int64_t start = column; start < whole; start += width) {
#pragma GCC unroll 8
      for (int v = 0; v < kAtOnce; v++) {
        const Terms more = terms(start + v * kLanes, column + v * kLanes, Whole{});
        sums[v].first += more.first;
        sums[v].second += more.second;
      }
    }
    for (int v = 0; v < kAtOnce; v++) {
      store(first + column + v * kLanes, sums[v].first);
      store(second + column + v * kLanes, sums[v].second);
    }
  }
  const auto add_row = [&](int64_t start, int64_t from, int64_t to) {
    each_vector(to - from, [&](int64_t i, auto some) {
      const Terms more = terms(start + from + i, from + i, some);
      add(first + from + i, more.first, some);
      add(second + from + i, more.second, some);
    });
  };
  for (int64_t start = 0; start < whole; start += width) add_row(start, column, width);
  add_row(whole, 0, count - whole);
}

// Sums of the distances from `origin`, and of their squares.
template <typename T, typename Origin>
inline void distances(const T* x, int64_t rows, int64_t channels, const Origin* origin, float* sums, float* squares) {
  add_terms(rows, channels, sums, squares, [&](int64_t i, int64_t c, auto some) -> Terms {
    const Vec d = load(x + i, some) - load(origin + c, some);
    return {d, d * d};
  });
}

// In one pass, from the distances from the first row, which is near enough to the mean for nothing to cancel.
template <typename T>
void moments(const T* x, int64_t rows, int64_t channels, float* mean, float* deviation) {
  const int64_t width = width_of(channels);
  Wide own_sums, own_squares;
  float* const sums = no_sums(mean, channels, width, own_sums);
  float* const squares = no_sums(deviation, channels, width, own_squares);
  if (width == channels) {
    distances(x, rows, channels, x, sums, squares);
  } else {
    Wide own_first;
    float first_row[kWide];
    each_vector(channels, [&](int64_t c, auto some) { store(first_row + c, load(x + c, some), some); });
    distances(x, rows, channels, repeated(first_row, channels, width, own_first), sums, squares);
    add_up(sums, channels, width, mean);
    add_up(squares, channels, width, deviation);
  }
  const float share = 1.0f / static_cast<float>(rows);
  each_vector(channels, [&](int64_t c, auto some) {
    const Vec total = load(mean + c, some), shift = total * share, spread = load(deviation + c, some);
    store(deviation + c, spread > total * shift ? spread - total * shift : Vec{}, some);
    store(mean + c, load(x + c, some) + shift, some);
  });
}

template <typename T, Activation activation, bool has_residual>
void normalize_rows(const T* x, const T* residual, T* y, int64_t rows, int64_t channels, const float* factor,
                    const float* shift) {
  const int64_t width = width_of(channels);
  Wide own_factors, own_shifts;
  const float* const factors = repeated(factor, channels, width, own_factors);
  const float* const shifts = repeated(shift, channels, width, own_shifts);
  each_element(rows, channels, [&](int64_t i, int64_t c, auto some) {
    Vec z = load(x + i, some) * load(factors + c, some) + load(shifts + c, some);
    if (has_residual) z += load(residual + i, some);
    store(y + i, activate<activation>(z), some);
  });
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

// What came out of the activation is read where that is ReLU, z worked out where it is SiLU.
template <Activation activation, typename T, typename Some>
inline Vec gradient_at(const T* dy, const T* y, Vec value, const float* factors, const float* shifts, int64_t i,
                       int64_t c, Some some) {
  const Vec output = activation == Activation::kRelu ? load(y + i, some) : Vec{};
  const Vec z = activation == Activation::kSilu ? value * load(factors + c, some) + load(shifts + c, some) : Vec{};
  return through<activation>(load(dy + i, some), output, z);
}

template <typename T, Activation activation, bool keeps>
void reduce_rows(const T* dy, const T* x, const T* y, T* g, int64_t rows, int64_t channels, const float* mean,
                 const float* factor, const float* shift, float* sum_g, float* sum_gx) {
  const int64_t width = width_of(channels);
  Wide own_means, own_factors, own_shifts, own_sums, own_products;
  const float* const means = repeated(mean, channels, width, own_means);
  const float* const factors = repeated(factor, channels, width, own_factors);
  const float* const shifts = repeated(shift, channels, width, own_shifts);
  float* const sums = no_sums(sum_g, channels, width, own_sums);
  float* const products = no_sums(sum_gx, channels, width, own_products);
  add_terms(rows, channels, sums, products, [&](int64_t i, int64_t c, auto some) -> Terms {
    const Vec value = load(x + i, some);
    const Vec gradient = gradient_at<activation>(dy, y, value, factors, shifts, i, c, some);
    if (keeps) store(g + i, gradient, some);
    return {gradient, gradient * (value - load(means + c, some))};
  });
  add_up(sums, channels, width, sum_g);
  add_up(products, channels, width, sum_gx);
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
void input_rows(const T* dy, const T* x, const T* y, T* dx, int64_t rows, int64_t channels, const float* factor,
                const float* shift, const float* slope, const float* intercept) {
  const int64_t width = width_of(channels);
  Wide own_factors, own_shifts, own_slopes, own_intercepts;
  const float* const factors = repeated(factor, channels, width, own_factors);
  const float* const shifts = repeated(shift, channels, width, own_shifts);
  const float* const slopes = repeated(slope, channels, width, own_slopes);
  const float* const intercepts = repeated(intercept, channels, width, own_intercepts);
  each_element(rows, channels, [&](int64_t i, int64_t c, auto some) {
    const Vec value = load(x + i, some);
    const Vec gradient = gradient_at<activation>(dy, y, value, factors, shifts, i, c, some);
    const Vec along = value * load(slopes + c, some) + load(intercepts + c, some);
    store(dx + i, gradient * load(factors + c, some) + along, some);
  });
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
void add_cells(T* y, const T* x, int64_t width, int64_t channels, int64_t factor) {
  // Without repetition the cells of a row are one row of more channels.
  const int64_t cells = factor == 1 ? 1 : width, size = factor == 1 ? width * channels : channels;
  for (int64_t w = 0; w < cells; w++) {
    T* cell = y + w * size;
    const T* from = x + w / factor * size;
    each_vector(size, [&](int64_t c, auto some) {
      Vec sum = load(from + c, some);
      if (!is_first) sum += load(cell + c, some);
      store(cell + c, is_last ? activate<Activation::kRelu>(sum) : sum, some);
    });
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
