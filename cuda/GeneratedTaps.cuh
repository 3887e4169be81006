// GeneratedTaps.cuh: kernels of a convolution for 64 tokens, made by a warpgroup on Hopper's tensor cores and left in
// its registers.
//
// A block keeps the generator's weights of a block of channels in shared memory as the right factor; the left factor,
// silu of the generator's inner layer, comes from device memory in the order in which registers hold it. After the
// inner layer's columns comes one of ones, whose weights are the bias. Rows of the left factor are in such an order
// that a thread has two tokens side by side, 2 · (lane / 4) and the next of its warp's 16, and columns of the right
// factor in such an order that it gets all four taps of four channels.
#pragma once

#include <algorithm>

#include "ConvolutionParts.cuh"
#include "Launch.cuh"
#include "Warpgroup.cuh"

namespace jet::cuda {

/// Sizes for inner layers of padded width KR, the ones included.
template <int KR>
struct Taps {
  static constexpr int kParts = KR <= 400 ? 4 : 2;  // of a block
  static constexpr int kChannels = kPartChannels * kParts;
  static constexpr int kRows = kChannels * kGeneratedTaps;
  static constexpr int kSteps = KR / 16;
  static constexpr int kBytes = KR * kRows * 2;  // in shared memory
  static_assert(kParts % 2 == 0 && kBytes % 256 == 0);
};

/// The padded width of an inner layer and the ones.
constexpr int padded_inner_width(int width) {
  return width <= 64 ? 80 : width <= 128 ? 144 : width <= 256 ? 272 : width <= 384 ? 400 : 528;
}

/// Blocks, of `groups` warpgroups, among which the tiles of all channels are shared out.
template <int KR>
cudaError_t find_blocks(const GeneratedConvolutionCall &call, int groups, unsigned &blocks) {
  Card card;
  cudaError_t error = Card::find(card);
  int64_t items = int64_t(call.channels / Taps<KR>::kChannels) * call.batch * call.tiles();
  // Each warpgroup of a block has a tile, if the number comes out even.
  blocks = static_cast<unsigned>(std::min<int64_t>(card.multiprocessors, (items + groups - 1) / groups));
  return error;
}

/// A tile's sequence and its place in it.
struct TilePlace {
  int b, local;
  int of_sequence;  // tiles

  __device__ TilePlace(int tile, int of_sequence)
      : b(tile / of_sequence), local(tile % of_sequence), of_sequence(of_sequence) {}
  __device__ int first_token() const { return local * kTileTokens; }
  /// The tile so many further on.
  __device__ TilePlace further(int count) const {
    TilePlace place = *this;
    for (place.local += count; place.local >= of_sequence; place.local -= of_sequence) ++place.b;
    return place;
  }
};

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

/// Calls with KR, the padded inner width; gives a `RESULT`.
#define JET_FOR_INNER_WIDTH(call, RESULT, ...)        \
  [&]() -> RESULT {                                   \
    switch (padded_inner_width((call).inner_width)) { \
      case 80: {                                      \
        constexpr int KR = 80;                        \
        return __VA_ARGS__;                           \
      }                                               \
      case 144: {                                     \
        constexpr int KR = 144;                       \
        return __VA_ARGS__;                           \
      }                                               \
      case 272: {                                     \
        constexpr int KR = 272;                       \
        return __VA_ARGS__;                           \
      }                                               \
      case 400: {                                     \
        constexpr int KR = 400;                       \
        return __VA_ARGS__;                           \
      }                                               \
      default: {                                      \
        constexpr int KR = 528;                       \
        return __VA_ARGS__;                           \
      }                                               \
    }                                                 \
  }()

/// The channel, within a block's, and tap whose weights are row n of the right factor's transpose.
struct TapPlace {
  int channel, tap;
  __device__ explicit TapPlace(int n) {
    int part = n / 64, eight = n % 64 / 8, quarter = n % 8 / 2;
    channel = part * kPartChannels + channel_of(eight / 2, quarter);
    tap = 2 * (eight % 2) + n % 2;
  }
};

#ifdef JET_HAS_WARPGROUPS

/// Brings weights and bias of the channels from `first` to shared memory. By all threads, which have to meet before and
/// after.
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
///
/// - zero: made of what has to be there before: what is read at the same time is waited for together.
template <int KR>
__device__ inline void load_inner(uint32_t (&left)[Taps<KR>::kSteps][4], const void *factors, int64_t tile,
                                  uint32_t zero = 0) {
  constexpr int kSteps = Taps<KR>::kSteps;
  const uint4 *from =
      static_cast<const uint4 *>(factors) + (tile * 4 + threadIdx.x % 128 / 32) * kSteps * 32 + threadIdx.x % 32 + zero;
#pragma unroll
  for (int k = 0; k < kSteps; ++k) {
    uint4 numbers = __ldg(from + 32 * k);
    left[k][0] = numbers.x;
    left[k][1] = numbers.y;
    left[k][2] = numbers.z;
    left[k][3] = numbers.w;
  }
}

/// Begins the taps of the parts from `part` on, eight sums each.
template <int KR, int kSums>
__device__ inline void begin_taps(float (&sums)[kSums][4], const uint32_t (&left)[Taps<KR>::kSteps][4],
                                  uint32_t weights, int part) {
  using Sizes = Taps<KR>;
  begin_products();
#pragma unroll
  for (int k = 0; k < Sizes::kSteps; ++k)
    begin_product<8 * kSums>(sums, left[k], right_factor(weights + 64 * part, Sizes::kRows, 32 * Sizes::kRows * k),
                             k > 0);
  commit_products();
}

#endif

}  // namespace jet::cuda
