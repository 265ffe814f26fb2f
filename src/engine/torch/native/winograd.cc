#include "winograd.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <functional>
#include <type_traits>

#include "share_out.h"
#include "winograd_kernels.h"

namespace posecraft {

namespace {

// Tiles that a thread works on at a time: their matrices stay in its second-level cache.
constexpr int64_t kTilesAtOnce = 32;
// Into at most so many parts, of at least so many tiles each, the sum of a gradient of weights is cut.
constexpr int64_t kMostParts = 8, kTilesOfPart = 96;
// Channels of a task where channels are shared out among threads.
constexpr int64_t kChannelsOfTask = 32;
// Of pairs of channels, so that their matrices take 75 MB at most; in a sum of gradients, of the parts together.
constexpr int64_t kMostPairs = 1 << 19;

// Whether the processor multiplies matrices of bfloat16 in one instruction (AMX): then oneDNN's plain sums are faster.
bool multiplies_matrices() {
#ifdef __x86_64__
  unsigned int a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & (1u << 22));
#else
  return false;
#endif
}

template <typename T>
const WinogradTransforms<T>& transforms();
template <>
const WinogradTransforms<float>& transforms() {
  return winograd_kernels()->float32;
}
template <>
const WinogradTransforms<Bfloat16>& transforms() {
  return winograd_kernels()->bfloat16;
}

struct Tiles : WinogradTiles {
  explicit Tiles(const Tensor& x)
      : WinogradTiles{x.size(2), x.size(3), (x.size(2) + 3) / 4, (x.size(3) + 3) / 4},
        count(x.size(0) * down * across) {}

  int64_t count;
};

// A line of the cache more for each point: at strides of a power of two they would all lie in the same few lines of it.
int64_t stride_of(int64_t rows, int64_t columns) { return rows * columns + 16; }

// Sets of the matrices of all points.
struct Matrices {
  Matrices(int64_t sets, int64_t rows, int64_t columns) : sets(sets), stride(stride_of(rows, columns)) {}
  int64_t size() const { return sets * kWinogradPoints * stride; }
  WinogradPoints operator[](int64_t set) const { return {values + set * kWinogradPoints * stride, stride}; }

  int64_t sets, stride;
  float* values = nullptr;
};

// Gives all of them their place in memory that stays from call to call: made anew it would tear holes between the
// activations, and on other threads than the first be faulted in every time.
void place(std::initializer_list<Matrices*> all) {
  static Tensor memory;
  int64_t size = 0;
  for (const Matrices* one : all) size += one->size();
  if (!memory.defined() || memory.numel() < size) {
    memory = Tensor();
    memory = at::empty({size}, at::kFloat);
  }
  float* values = floats(memory);
  for (Matrices* one : all) {
    one->values = values;
    values += one->size();
  }
}

struct Channels {
  int64_t first, count;
};

// Transforms the weights that give these channels: matrices [all channels that go in, these], of which the columns from
// `from` up to `to` are written.
using Transform = std::function<void(const WinogradPoints& u, Channels channels, int64_t from, int64_t to)>;

// How the matrices of a convolution are made from x and multiplied: `packed` channels of x are one value.
template <typename T>
struct Way {
  decltype(WinogradTransforms<T>::inputs) inputs;
  WinogradProduct product;
  int64_t packed;
};

template <typename T>
Way<T> plain_way() {
  return {transforms<T>().inputs, winograd_kernels()->product, 1};
}

// The tiles `from` to `to` of some channels of y, from the transformed weights that give these.
template <typename T>
void convolve_tiles(const Way<T>& way, const Tensor& x, const WinogradPoints& u, const Tensor& y,
                    WinogradFinish<T> finish, const Matrices& vs, const Matrices& ms, int64_t from, int64_t to,
                    Channels channels) {
  const WinogradKernels& kernels = *winograd_kernels();
  const Tiles tiles(x);
  const int64_t inputs = x.size(1), thread = at::get_thread_num();
  const WinogradPoints v = vs[thread], m = ms[thread];
  if (finish.shift) finish.shift += channels.first;
  if (finish.residual) finish.residual += channels.first;
  for (int64_t first = from; first < to; first += kTilesAtOnce) {
    const WinogradRows rows{first, std::min(kTilesAtOnce, to - first)};
    way.inputs(data<T>(x), v, tiles, rows, {inputs, inputs});
    for (int64_t p = 0; p < kWinogradPoints; p++) {
      way.product(v.values + p * v.stride, u.values + p * u.stride, m.values + p * m.stride,
                  parts_of(rows.count, kernels.rows) * kernels.rows, inputs / way.packed, channels.count);
    }
    transforms<T>().outputs(m, data<T>(y) + channels.first, finish, tiles, rows, {y.size(1), channels.count});
  }
}

// y = finish(convolution of x)
template <typename T>
void convolve(const Way<T>& way, const Tensor& x, const Transform& transform, const Tensor& y,
              const WinogradFinish<T>& finish) {
  const int64_t tiles = Tiles(x).count, inputs = x.size(1) / way.packed, outputs = y.size(1);
  const int64_t threads = at::get_num_threads(), lanes = winograd_kernels()->lanes;
  Matrices v(threads, kTilesAtOnce, inputs), m(threads, kTilesAtOnce, outputs);
  if (tiles >= 2 * inputs) {
    Matrices u(1, inputs, outputs);
    place({&u, &v, &m});
    share_out(outputs, lanes, [&](int64_t from, int64_t to) { transform(u[0], {0, outputs}, from, to); });
    share_out(tiles, std::min(kTilesAtOnce, parts_of(tiles, threads)), [&](int64_t from, int64_t to) {
      convolve_tiles(way, x, u[0], y, finish, v, m, from, to, {0, outputs});
    });
    return;
  }
  // With more weights than activations each thread takes its own channels: what a thread has transformed is not sent to
  // the others.
  const int64_t share = parts_of(parts_of(outputs, threads), lanes) * lanes;
  Matrices u(threads, inputs, share);
  place({&u, &v, &m});
  share_out(outputs, share, [&](int64_t from, int64_t to) {
    for (int64_t first = from; first < to; first += share) {
      const Channels channels{first, std::min(share, to - first)};
      const WinogradPoints own{u[at::get_thread_num()].values, stride_of(inputs, channels.count)};
      transform(own, channels, 0, channels.count);
      convolve_tiles(way, x, own, y, finish, v, m, 0, tiles, channels);
    }
  });
}

Tensor like_with_channels(const Tensor& x, int64_t channels) {
  return at::empty({x.size(0), channels, x.size(2), x.size(3)}, x.options(), at::MemoryFormat::ChannelsLast);
}

// What multiplies gradients of bfloat16, if the processor has it. Rounding their matrices to bfloat16 is a relative error
// of 1 % (root mean square), a random one; over all layers, storing activations in bfloat16 moves gradients by far more.
// Outputs are computed in float32: what a network says keeps the accuracy that bfloat16 has.
const WinogradPairs* pairs_for(const Tensor& dy, const Tensor& weight) {
  const bool fits = dy.scalar_type() == at::kBFloat16 && weight.scalar_type() == at::kFloat;
  return fits ? winograd_kernels()->pairs : nullptr;
}

}  // namespace

bool suits_winograd(at::ScalarType input, const Tensor& weight, const Convolution& convolution) {
  const WinogradKernels* const kernels = winograd_kernels();
  const auto all = [](at::IntArrayRef pair, int64_t value) {
    return std::all_of(pair.begin(), pair.end(), [&](int64_t one) { return one == value; });
  };
  if (!kernels || !has_rows(weight) || weight.dim() != 4 || weight.size(2) != 3 || weight.size(3) != 3) return false;
  if (!all(convolution.stride, 1) || !all(convolution.padding, 1) || !all(convolution.dilation, 1)) return false;
  const auto fits = [&](int64_t channels) {
    return channels > 0 && channels <= kernels->most_channels && channels % kernels->lanes == 0;
  };
  return convolution.groups == 1 && fits(weight.size(0)) && fits(weight.size(1)) &&
         weight.size(0) * weight.size(1) <= kMostPairs &&
         !(input == at::kBFloat16 && multiplies_matrices());
}

Tensor winograd(const Tensor& input, const Tensor& weight, const Tensor& shift, const Tensor& residual, bool relu) {
  const Tensor x = channels_last(input);
  const int64_t inputs = weight.size(1);
  const Transform transform = [&](const WinogradPoints& u, Channels channels, int64_t from, int64_t to) {
    by_type(weight, [&](auto element) {
      using T = decltype(element);
      // In channels_last the nine points of an output lie one after the other, all inputs of each together.
      const T* const values = data<T>(weight) + channels.first * 9 * inputs;
      transforms<T>().weights_transposed({values, channels.count, inputs, 9 * inputs, inputs}, u, from, to);
    });
  };
  const Tensor y = like_with_channels(x, weight.size(0));
  if (residual.defined()) check_same(y, residual, "convolution");
  by_type(x, [&](auto element) {
    using T = decltype(element);
    convolve<T>(plain_way<T>(), x, transform, y, {shift.defined() ? floats(shift) : nullptr, data<T>(residual), relu});
  });
  return y;
}

Tensor winograd_input_gradient(const Tensor& gradient, const Tensor& weight) {
  const Tensor dy = channels_last(gradient);
  const int64_t outputs = weight.size(0), inputs = weight.size(1);
  const WinogradPairs* const pairs = pairs_for(dy, weight);
  const Transform transform = [&](const WinogradPoints& u, Channels channels, int64_t from, int64_t to) {
    by_type(weight, [&](auto element) {
      using T = decltype(element);
      const T* const last_point = data<T>(weight) + 8 * inputs + channels.first;
      const WinogradWeights<T> turned{last_point, outputs, channels.count, 9 * inputs, -inputs};
      if constexpr (std::is_same_v<T, float>) (pairs ? pairs->weights : transforms<T>().weights)(turned, u, from, to);
      else transforms<T>().weights(turned, u, from, to);
    });
  };
  const Tensor dx = like_with_channels(dy, inputs);
  if (pairs) {
    convolve<Bfloat16>({pairs->inputs, pairs->product, 2}, dy, transform, dx, {nullptr, nullptr, false});
  } else {
    by_type(dy, [&](auto element) {
      using T = decltype(element);
      convolve<T>(plain_way<T>(), dy, transform, dx, {nullptr, nullptr, false});
    });
  }
  return dx;
}

Tensor winograd_weight_gradient(const Tensor& gradient, const Tensor& input) {
  const WinogradKernels& kernels = *winograd_kernels();
  const Tensor x = channels_last(input), dy = channels_last(gradient);
  const int64_t outputs = dy.size(1), inputs = x.size(1);
  const WinogradPairs* const pairs = x.scalar_type() == at::kBFloat16 ? kernels.pairs : nullptr;
  const WinogradProduct first_product = pairs ? pairs->transposed_product : kernels.transposed_product;
  const WinogradProduct next_product = pairs ? pairs->add_transposed_product : kernels.add_transposed_product;
  const Tiles tiles(x);
  // Parts of the sum depend on the shapes alone, so that it does not depend on the number of threads.
  const int64_t most = std::min(kMostParts, kMostPairs / (inputs * outputs));
  const int64_t parts = std::max<int64_t>(std::min(tiles.count / kTilesOfPart, most), 1);
  const int64_t tiles_of_part = parts_of(tiles.count, parts), blocks = parts_of(outputs, kChannelsOfTask);
  const int64_t threads = at::get_num_threads();
  // The sums are read and written once for each lot of tiles: in one whose matrices take twice as much as they that is little.
  const int64_t lot = 2 * inputs * outputs * (pairs ? 2 : 1) / (inputs + outputs);
  const int64_t most_lots = parts_of(tiles_of_part, kTilesAtOnce);
  const int64_t at_once = std::min(std::max<int64_t>(lot / kTilesAtOnce, 1), most_lots) * kTilesAtOnce;
  Matrices u(parts, outputs, inputs), vs(threads, at_once, inputs), ms(threads, at_once, outputs);
  place({&u, &vs, &ms});
  // Few parts are shared out by their channels, as many together as can be: each task transforms all of x of its part.
  const int64_t unit = parts >= 2 * threads ? blocks : parts_of(parts * blocks, threads);
  share_out(parts * blocks, unit, [&](int64_t from, int64_t to) {
    const WinogradPoints v = vs[at::get_thread_num()], m = ms[at::get_thread_num()];
    for (int64_t task = from; task < to;) {
      const int64_t part = task / blocks, end = std::min(to, (part + 1) * blocks);
      const int64_t first = task % blocks * kChannelsOfTask;
      const int64_t channels = std::min(outputs, (end - part * blocks) * kChannelsOfTask) - first;
      const WinogradPoints sum{u[part].values + first * inputs, u[part].stride};
      const int64_t last = std::min(tiles.count, (part + 1) * tiles_of_part);
      for (int64_t tile = part * tiles_of_part; tile < last; tile += at_once) {
        const WinogradRows rows{tile, std::min(at_once, last - tile)};
        if (pairs) {
          pairs->inputs_of_tiles(data<Bfloat16>(x), v, tiles, rows, {inputs, inputs});
          pairs->gradients_of_tiles(data<Bfloat16>(dy) + first, m, tiles, rows, {outputs, channels});
        } else {
          by_type(x, [&](auto element) {
            using T = decltype(element);
            transforms<T>().inputs(data<T>(x), v, tiles, rows, {inputs, inputs});
            transforms<T>().gradients(data<T>(dy) + first, m, tiles, rows, {outputs, channels});
          });
        }
        for (int64_t p = 0; p < kWinogradPoints; p++) {
          const WinogradProduct product = tile == part * tiles_of_part ? first_product : next_product;
          product(m.values + p * m.stride, v.values + p * v.stride, sum.values + p * sum.stride, channels,
                  pairs ? parts_of(rows.count, 2) : rows.count, inputs);
        }
      }
      task = end;
    }
  });
  const Tensor dw = at::empty({outputs, inputs, 3, 3}, at::kFloat, at::MemoryFormat::ChannelsLast);
  share_out(outputs, 1, [&](int64_t from, int64_t to) {
    kernels.weight_gradient(u[0], parts, floats(dw), inputs, from, to);
  });
  return dw;
}

}  // namespace posecraft
