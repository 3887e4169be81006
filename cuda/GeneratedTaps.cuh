// GeneratedTaps.cuh: kernels of a convolution for 64 tokens, made by a warpgroup on Hopper's tensor cores and left in its
// registers.
//
// A block keeps the generator's weights of a block of channels in shared memory as the right factor; the left factor, silu
// of the generator's inner layer, comes from device memory in the order in which registers hold it. After the inner layer's
// columns comes one of ones, whose weights are the bias. Columns of the right factor are in such an order that a thread gets
// all four taps of eight channels side by side, for the tokens lane / 4 and 8 + lane / 4 of its warp's 16.
#pragma once

#include <algorithm>
#include <type_traits>

#include "GeneratedConvolution.h"
#include "Launch.cuh"
#include "Warpgroup.cuh"

namespace jet::cuda {

/// Sizes for inner layers of padded width KR, the ones included.
template <int KR>
struct Taps {
  static constexpr int kPart = 32;                     // channels whose taps a warpgroup makes at once
  static constexpr int kParts = KR <= 400 ? 2 : 1;     // of a block
  static constexpr int kChannels = kPart * kParts;
  static constexpr int kRows = kChannels * kGeneratedTaps;
  static constexpr int kSteps = KR / 16;
  static constexpr int kBytes = KR * kRows * 2;        // in shared memory
};

/// The padded width of an inner layer and the ones.
constexpr int padded_inner_width(int width) {
  return width <= 64 ? 80 : width <= 128 ? 144 : width <= 256 ? 272 : width <= 384 ? 400 : 528;
}

/// Threads of a block: two warpgroups.
constexpr int kConvolutionThreads = 256;
/// The barrier at which the warpgroups change places.
constexpr int kTurn = 1;

/// Blocks among which the tiles of all channels are shared out.
template <int KR>
cudaError_t find_blocks(const GeneratedConvolutionCall &call, unsigned &blocks) {
  Card card;
  cudaError_t error = Card::find(card);
  int64_t items = int64_t(call.channels / Taps<KR>::kChannels) * call.batch * call.tiles();
  // Both warpgroups of a block have a tile.
  blocks = static_cast<unsigned>(std::min<int64_t>(card.multiprocessors, (items + 1) / 2));
  return error;
}

/// A block's share of all tiles: a run of them of one block of channels after another.
template <int KR>
struct TileRuns {
  int tiles;  // of a block of channels
  int64_t item, last;
  int first_channel = 0, from = 0, to = 0;  // of the present run

  __device__ explicit TileRuns(const GeneratedConvolutionCall &call) : tiles(call.batch * call.tiles()) {
    int64_t items = int64_t(call.channels / Taps<KR>::kChannels) * tiles;
    item = items * blockIdx.x / gridDim.x;
    last = items * (blockIdx.x + 1) / gridDim.x;
  }

  /// Goes on to the next run, if there is one.
  __device__ bool next() {
    if (item >= last) return false;
    int block = item / tiles;
    first_channel = block * Taps<KR>::kChannels;
    from = item - int64_t(block) * tiles;
    to = min(int64_t(tiles), last - int64_t(block) * tiles);
    item += to - from;
    return true;
  }
};

/// Calls with KR, the padded inner width.
#define JET_FOR_INNER_WIDTH(call, ...)                                    \
  [&]() -> cudaError_t {                                                  \
    switch (padded_inner_width((call).inner_width)) {                     \
      case 80: { constexpr int KR = 80; return __VA_ARGS__; }             \
      case 144: { constexpr int KR = 144; return __VA_ARGS__; }           \
      case 272: { constexpr int KR = 272; return __VA_ARGS__; }           \
      case 400: { constexpr int KR = 400; return __VA_ARGS__; }           \
      default: { constexpr int KR = 528; return __VA_ARGS__; }            \
    }                                                                     \
  }()

/// The channel, within a block's, and tap whose weights are row n of the right factor's transpose.
struct TapPlace {
  int channel, tap;
  __device__ explicit TapPlace(int n) {
    int part = n / 128, pair = n % 128 / 16, later = n / 8 % 2, quarter = n % 8 / 2;
    channel = part * 32 + quarter * 8 + pair;
    tap = 2 * later + n % 2;
  }
};

#ifdef JET_HAS_WARPGROUPS

/// Brings weights and bias of the channels from `first` to shared memory. By all threads, which have to meet before and after.
template <int KR>
__device__ void load_generator(const GeneratedConvolutionCall &call, int first, unsigned char *shared) {
  using Sizes = Taps<KR>;
  const uint16_t *weight = static_cast<const uint16_t *>(call.weight), *bias = static_cast<const uint16_t *>(call.bias);
  // Eight neighbouring threads write 128 bytes side by side.
  for (int i = threadIdx.x; i < Sizes::kRows * (KR / 8); i += blockDim.x) {
    int n = i / 16 % (Sizes::kRows / 8) * 8 + i % 8, column = (i / 16 / (Sizes::kRows / 8) * 2 + i / 8 % 2) * 8;
    TapPlace place(n);
    int64_t row = int64_t(first + place.channel) * kGeneratedTaps + place.tap;
    unsigned char *to = shared + (column / 8 * Sizes::kRows + n) * 16;
    if (column < call.inner_width) {
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)),
                   "l"(weight + row * call.inner_width + column)
                   : "memory");
    } else {
      *reinterpret_cast<uint4 *>(to) = make_uint4(column == call.inner_width ? bias[row] : 0, 0, 0, 0);
    }
  }
  asm volatile("cp.async.wait_all;" ::: "memory");
  // The products read what threads have written.
  show_writes();
}

/// Begins to read the left factor of a tile.
template <int KR>
__device__ inline void load_inner(uint32_t (&left)[Taps<KR>::kSteps][4], const void *factors, int64_t tile) {
  constexpr int kSteps = Taps<KR>::kSteps;
  const uint4 *from =
      static_cast<const uint4 *>(factors) + (tile * 4 + threadIdx.x % 128 / 32) * kSteps * 32 + threadIdx.x % 32;
#pragma unroll
  for (int k = 0; k < kSteps; ++k) {
    uint4 numbers = __ldg(from + 32 * k);
    left[k][0] = numbers.x;
    left[k][1] = numbers.y;
    left[k][2] = numbers.z;
    left[k][3] = numbers.w;
  }
}

/// Begins the taps of N / 16 channels a thread, from row `first` of the right factor's transpose on, a multiple of N: taps
/// 0 and 1 of a channel are in sums[2i], the others in sums[2i + 1]; the second half of each is the later token's. With
/// c = first mod 128 / 16, they are those of the channels c + i of the eight that TapPlace gives the thread.
template <int KR, int N>
__device__ inline void begin_taps(float (&sums)[N / 8][4], uint32_t (&left)[Taps<KR>::kSteps][4],
                                  const unsigned char *shared, int first) {
  using Sizes = Taps<KR>;
  uint32_t place = factor_place(shared_address(shared)) + first;
  pin(left);
  begin_products();
#pragma unroll
  for (int k = 0; k < Sizes::kSteps; ++k)
    begin_product<N>(sums, left[k], right_factor(place, Sizes::kRows, 32 * Sizes::kRows * k), k > 0);
  commit_products();
}

#endif

/// Neighbouring numbers, aligned to their size.
template <int N>
struct Numbers {
  static_assert(N == 4 || N == 8);
  using Vector = std::conditional_t<N == 8, uint4, uint2>;
  uint32_t r[N / 2];

  __device__ float at(int i) const {
    return __uint_as_float(i % 2 == 0 ? r[i / 2] << 16 : r[i / 2] & 0xffff0000u);
  }
  __device__ static Numbers zeros() { return {}; }
  __device__ static Numbers load(const Half *from) {
    Vector numbers = __ldg(reinterpret_cast<const Vector *>(from));
    if constexpr (N == 8) return {{numbers.x, numbers.y, numbers.z, numbers.w}};
    else return {{numbers.x, numbers.y}};
  }
  __device__ void store(Half *to) const {
    if constexpr (N == 8) *reinterpret_cast<uint4 *>(to) = make_uint4(r[0], r[1], r[2], r[3]);
    else *reinterpret_cast<uint2 *>(to) = make_uint2(r[0], r[1]);
  }
};

/// The inputs of a thread's tokens in a tile, of which those before the first one of a sequence lie in the window.
struct Inputs {
  const Half *x;           // of the thread's first token, from the first of its channels
  const uint16_t *window;  // of the sequence, from there
  int64_t pitch;
  int token, tokens;
  bool all_exist;  // those of the whole tile, and the three before it

  /// - token: the first of a thread's tokens, in the tile that begins with `first_token`.
  __device__ Inputs(const GeneratedConvolutionCall &call, int b, int first_token, int token, int channel)
      : x(static_cast<const Half *>(call.x.data) + b * call.x.batch + token * call.x.token + channel),
        window(static_cast<const uint16_t *>(call.window) + (int64_t(b) * call.channels + channel) * kGeneratedTaps),
        pitch(call.x.token),
        token(token),
        tokens(call.tokens),
        all_exist(first_token > 0 && first_token + kTileTokens <= call.tokens) {}

  /// N channels, `channel` after the first, of the tokens from the third before the first one to itself, and of those eight
  /// further on.
  template <int N>
  __device__ void load(Numbers<N> (&inputs)[2][4], int channel) const {
    if (all_exist) {
      const Half *from = x - 3 * pitch + channel;
#pragma unroll
      for (int i = 0; i < 8; ++i) inputs[i / 4][i % 4] = Numbers<N>::load(from + (i / 4 * 8 + i % 4) * pitch);
    } else {
#pragma unroll
      for (int i = 0; i < 8; ++i) inputs[i / 4][i % 4] = at<N>(i / 4 * 8 + i % 4 - 3, channel);
    }
  }

 private:
  template <int N>
  __device__ Numbers<N> at(int further, int channel) const {
    if (token + further >= tokens) return Numbers<N>::zeros();
    if (token + further >= 0) return Numbers<N>::load(x + further * pitch + channel);
    Numbers<N> numbers;
#pragma unroll
    for (int i = 0; i < N / 2; ++i) {
      const uint16_t *from = window + (channel + 2 * i + 1) * kGeneratedTaps + token + further;
      numbers.r[i] = from[0] | uint32_t(from[kGeneratedTaps]) << 16;
    }
    return numbers;
  }
};

/// Brings 128 bytes nearer, if they exist.
__device__ inline void bring_nearer(const Half *from, bool exists) {
  if (exists) asm volatile("prefetch.global.L2 [%0];" ::"l"(from));
}

/// 1 / (1 + exp(−x)), to some units of the last place.
__device__ inline float quick_sigmoid(float x) {
  float power, inverse;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(-1.44269504f * x));
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(inverse) : "f"(1.0f + power));
  return inverse;
}

}  // namespace jet::cuda
