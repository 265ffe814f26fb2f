// See winograd_kernels.h. ROWS_VARIANT names the instruction set that this copy is compiled for.
#include "winograd_kernels.h"

#include "winograd_transforms.h"

namespace posecraft {
namespace ROWS_VARIANT {
namespace {

// A block of the product keeps kRows × 2 vectors in registers.
constexpr int kRows = kLanes / 2;
constexpr int kPoints = kWinogradPoints, kMostChannels = 4096;

// The vectors at one place of all matrices, of floats or bfloat16, in their order.
template <typename E>
struct Cursor {
  explicit Cursor(const WinogradPoints& points, int64_t offset)
      : at(reinterpret_cast<E*>(points.values) + offset), stride(points.stride * (sizeof(float) / sizeof(E))) {}
  E* next() {
    E* const here = at;
    at += stride;
    return here;
  }
  E* at;
  const int64_t stride;
};

// Of nine vectors of weights, in rows of three.
inline void store_weights(const Vec* nine, const WinogradPoints& u, int64_t offset) {
  Cursor<float> to(u, offset);
  in_both_axes<3, 6, transform_weights>([&](int i, int j) { return nine[3 * i + j]; },
                                        [&](int, int, Vec value) { store(to.next(), value); });
}

template <typename T>
void weights(const WinogradWeights<T>& from_weights, const WinogradPoints& u, int64_t from, int64_t to) {
  const auto& [values, rows, columns, row_stride, point_stride] = from_weights;
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t c = from; c < to; c += kLanes) {
      Vec nine[9];
      for (int p = 0; p < 9; p++) nine[p] = load(values + row * row_stride + p * point_stride + c);
      store_weights(nine, u, row * columns + c);
    }
  }
}

// Exchanges lane j of row i with lane i of row j: squares of one lane, of two, of four …
template <int width>
inline __attribute__((always_inline)) void transpose(Vec* rows) {
  Lanes first, second;
  for (int j = 0; j < kLanes; j++) {
    first[j] = j & width ? j - width + kLanes : j;
    second[j] = j & width ? j + kLanes : j + width;
  }
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; i++) {
    if (i & width) continue;
    const Vec a = rows[i], b = rows[i + width];
    rows[i] = __builtin_shuffle(a, b, first);
    rows[i + width] = __builtin_shuffle(a, b, second);
  }
  if constexpr (2 * width < kLanes) transpose<2 * width>(rows);
}

template <typename T>
void weights_transposed(const WinogradWeights<T>& from_weights, const WinogradPoints& u, int64_t from, int64_t to) {
  const auto& [values, rows, columns, row_stride, point_stride] = from_weights;
  for (int64_t row = from; row < to; row += kLanes) {
    for (int64_t c = 0; c < columns; c += kLanes) {
      Vec turned[9][kLanes];
      for (int p = 0; p < 9; p++) {
        Vec square[kLanes];
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; i++) square[i] = load(values + (row + i) * row_stride + p * point_stride + c);
        transpose<1>(square);
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; i++) turned[p][i] = square[i];
      }
      for (int i = 0; i < kLanes; i++) {
        Vec nine[9];
        for (int p = 0; p < 9; p++) nine[p] = turned[p][i];
        store_weights(nine, u, (c + i) * rows + row);
      }
    }
  }
}

struct Place {
  int64_t image, y, x;
};

inline Place place(const WinogradTiles& tiles, int64_t tile) {
  const int64_t in_image = tile % (tiles.down * tiles.across);
  return {tile / (tiles.down * tiles.across), 4 * (in_image / tiles.across), 4 * (in_image % tiles.across)};
}

template <typename T>
const T zeros[kMostChannels] = {};

// The cells of a square of `size` × `size` from a place on; those beyond the image have only zeros.
template <int size, typename T>
inline void cells_of(const T* x, const WinogradTiles& tiles, Place at, int64_t stride, const T** cells) {
  for (int i = 0; i < size; i++) {
    const bool row_exists = at.y + i >= 0 && at.y + i < tiles.height;
    const T* row = x + ((at.image * tiles.height + at.y + i) * tiles.width + at.x) * stride;
    for (int j = 0; j < size; j++) {
      const bool exists = row_exists && at.x + j >= 0 && at.x + j < tiles.width;
      cells[size * i + j] = exists ? row + j * stride : zeros<T>;
    }
  }
}

// To matrices of E.
template <typename T, typename E>
void inputs(const T* x, const WinogradPoints& v, const WinogradTiles& tiles, WinogradRows rows,
            WinogradColumns channels) {
  for (int64_t t = 0; t < rows.count; t++) {
    const Place at = place(tiles, rows.first + t);
    const T* cells[36];
    cells_of<6>(x, tiles, {at.image, at.y - 1, at.x - 1}, channels.stride, cells);
    for (int64_t c = 0; c < channels.count; c += kLanes) {
      Cursor<E> to(v, t * channels.count + c);
      in_both_axes<6, 6, transform_input>([&](int i, int j) { return load(cells[6 * i + j] + c); },
                                          [&](int, int, Vec value) { store(to.next(), value); });
    }
  }
  for (int64_t t = rows.count; t % kRows != 0; t++) {
    for (int64_t c = 0; c < channels.count; c += kLanes) {
      Cursor<E> to(v, t * channels.count + c);
      for (int p = 0; p < kPoints; p++) store(to.next(), Vec{});
    }
  }
}

template <typename T>
void outputs(const WinogradPoints& m, T* y, const WinogradFinish<T>& finish, const WinogradTiles& tiles,
             WinogradRows rows, WinogradColumns channels) {
  for (int64_t t = 0; t < rows.count; t++) {
    const Place at = place(tiles, rows.first + t);
    const int64_t down = tiles.height - at.y, across = tiles.width - at.x;
    const int64_t corner = ((at.image * tiles.height + at.y) * tiles.width + at.x) * channels.stride;
    for (int64_t c = 0; c < channels.count; c += kLanes) {
      const Vec shift = finish.shift ? load(finish.shift + c) : Vec{};
      const float* const from = m.values + t * channels.count + c;
      in_both_axes<6, 4, transform_output>(
          [&](int i, int j) { return load(from + (6 * i + j) * m.stride); },
          [&](int i, int j, Vec value) {
            if (i >= down || j >= across) return;
            const int64_t cell = corner + (i * tiles.width + j) * channels.stride + c;
            Vec z = value + shift;
            if (finish.residual) z += load(finish.residual + cell);
            if (finish.relu) z = (z > 0.0f) | (z != z) ? z : Vec{};
            store(y + cell, z);
          });
    }
  }
}

template <typename T>
void gradients(const T* dy, const WinogradPoints& m, const WinogradTiles& tiles, WinogradRows rows,
               WinogradColumns channels) {
  for (int64_t t = 0; t < rows.count; t++) {
    const T* cells[16];
    cells_of<4>(dy, tiles, place(tiles, rows.first + t), channels.stride, cells);
    for (int64_t c = 0; c < channels.count; c += kLanes) {
      Cursor<float> to(m, t * channels.count + c);
      in_both_axes<4, 6, transform_gradient>([&](int i, int j) { return load(cells[4 * i + j] + c); },
                                             [&](int, int, Vec value) { store(to.next(), value); });
    }
  }
}

// a · b added to sums; of pairs, to each sum both products.
template <bool pairs>
inline Vec add_product(Vec sums, float a, Vec b) {
#ifdef __AVX512BF16__
  if constexpr (pairs) {
    return reinterpret_cast<Vec>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sums),
                                                  reinterpret_cast<__m512bh>(_mm512_set1_ps(a)),
                                                  reinterpret_cast<__m512bh>(b)));
  }
#endif
  return sums + a * b;
}

// A block of kRows × vectors · kLanes of a · b or aᵀ · b, which may be added to what is there.
template <int vectors, bool transposed, bool adds, bool pairs>
inline __attribute__((always_inline)) void block(const float* a, int64_t a_stride, const float* b, float* c,
                                                 int64_t depth, int64_t columns) {
  Vec sums[kRows][vectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) sums[r][v] = adds ? load(c + r * columns + v * kLanes) : Vec{};
  }
  for (int64_t i = 0; i < depth; i++) {
    Vec row[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) row[v] = load(b + i * columns + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; r++) {
      const float factor = transposed ? a[i * a_stride + r] : a[r * a_stride + i];
#pragma GCC unroll 2
      for (int v = 0; v < vectors; v++) sums[r][v] = add_product<pairs>(sums[r][v], factor, row[v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) store(c + r * columns + v * kLanes, sums[r][v]);
  }
}

template <bool transposed, bool adds, bool pairs>
void products(const float* a, const float* b, float* c, int64_t rows, int64_t depth, int64_t columns) {
  const int64_t a_stride = transposed ? rows : depth;
  for (int64_t column = 0; column < columns;) {
    const bool two = column + 2 * kLanes <= columns;
    for (int64_t row = 0; row < rows; row += kRows) {
      const float* left = a + (transposed ? row : row * depth);
      float* to = c + row * columns + column;
      if (two) block<2, transposed, adds, pairs>(left, a_stride, b + column, to, depth, columns);
      else block<1, transposed, adds, pairs>(left, a_stride, b + column, to, depth, columns);
    }
    column += two ? 2 * kLanes : kLanes;
  }
}

void weight_gradient(const WinogradPoints& u, int64_t parts, float* w, int64_t columns, int64_t from, int64_t to) {
  for (int64_t row = from; row < to; row++) {
    for (int64_t c = 0; c < columns; c += kLanes) {
      in_both_axes<6, 3, transform_weight_gradient>(
          [&](int i, int j) {
            const float* from = u.values + (6 * i + j) * u.stride + row * columns + c;
            Vec sum = load(from);
            for (int64_t part = 1; part < parts; part++) sum += load(from + part * kPoints * u.stride);
            return sum;
          },
          [&](int i, int j, Vec value) { store(w + (row * 9 + 3 * i + j) * columns + c, value); });
    }
  }
}

template <typename T>
constexpr WinogradTransforms<T> transforms() {
  return {weights<T>, weights_transposed<T>, inputs<T, float>, outputs<T>, gradients<T>};
}

#ifdef __AVX512BF16__

inline __m512i rounded(Vec value) {
  return _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(value))));
}

inline void store_pairs(float* to, Vec first, Vec second) {
  _mm512_storeu_si512(to, _mm512_or_si512(rounded(first), _mm512_slli_epi32(rounded(second), 16)));
}

// The transforms of two squares whose vectors read(which, row, column) gives, as pairs.
template <int from, void (*transform)(const Vec*, Vec*, int), typename Read>
inline __attribute__((always_inline)) void transform_pairs(const Read& read, const WinogradPoints& points,
                                                           int64_t offset) {
  Vec first[kPoints];
  in_both_axes<from, 6, transform>([&](int i, int j) { return read(0, i, j); },
                                   [&](int i, int j, Vec value) { first[6 * i + j] = value; });
  Cursor<float> to(points, offset);
  in_both_axes<from, 6, transform>([&](int i, int j) { return read(1, i, j); },
                                   [&](int i, int j, Vec value) { store_pairs(to.next(), first[6 * i + j], value); });
}

void weights_in_pairs(const WinogradWeights<float>& from_weights, const WinogradPoints& u, int64_t from, int64_t to) {
  const auto& [values, rows, columns, row_stride, point_stride] = from_weights;
  for (int64_t row = 0; row < rows; row += 2) {
    for (int64_t c = from; c < to; c += kLanes) {
      const float* const corner = values + row * row_stride + c;
      transform_pairs<3, transform_weights>(
          [&, row_stride = row_stride, point_stride = point_stride](int which, int i, int j) {
            return load(corner + which * row_stride + (3 * i + j) * point_stride);
          },
          u, row / 2 * columns + c);
    }
  }
}

// Of squares of `size` × `size` that begin `border` cells before their tiles.
template <int size, int border, void (*transform)(const Vec*, Vec*, int)>
void pairs_of_tiles(const Bfloat16* x, const WinogradPoints& points, const WinogradTiles& tiles, WinogradRows rows,
                    WinogradColumns channels) {
  for (int64_t t = 0; t < rows.count; t += 2) {
    const Bfloat16* cells[2][size * size];
    for (int which = 0; which < 2; which++) {
      if (t + which < rows.count) {
        const Place at = place(tiles, rows.first + t + which);
        cells_of<size>(x, tiles, {at.image, at.y - border, at.x - border}, channels.stride, cells[which]);
      } else {
        for (const Bfloat16*& cell : cells[which]) cell = zeros<Bfloat16>;
      }
    }
    for (int64_t c = 0; c < channels.count; c += kLanes) {
      transform_pairs<size, transform>(
          [&](int which, int i, int j) { return load(cells[which][size * i + j] + c); }, points,
          t / 2 * channels.count + c);
    }
  }
}

constexpr WinogradPairs kPairs = {weights_in_pairs,
                                  inputs<Bfloat16, Bfloat16>,
                                  pairs_of_tiles<6, 1, transform_input>,
                                  pairs_of_tiles<4, 0, transform_gradient>,
                                  products<false, false, true>,
                                  products<true, false, true>,
                                  products<true, true, true>};
constexpr const WinogradPairs* kPairsOrNull = &kPairs;
#else
constexpr const WinogradPairs* kPairsOrNull = nullptr;
#endif

}  // namespace

extern const WinogradKernels winograd;
const WinogradKernels winograd = {kLanes,
                                  kMostChannels,
                                  kRows,
                                  transforms<float>(),
                                  transforms<Bfloat16>(),
                                  products<false, false, false>,
                                  products<true, false, false>,
                                  products<true, true, false>,
                                  weight_gradient,
                                  kPairsOrNull};

}  // namespace ROWS_VARIANT
}  // namespace posecraft
