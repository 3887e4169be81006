// ConvolutionParts.cuh: what the convolution reads of 64 tokens and 16 channels, in shared memory.
//
// Hopper's tensor copies bring the inputs of the tokens and of the three before them: a token's row is 32 bytes, of
// which the two halves have changed places where bit 2 of the row's number is set. What does not exist arrives as
// zeros. A thread has two tokens side by side and four channels side by side.
#pragma once

#include "GeneratedConvolution.h"
#include "Silu.cuh"
#include "TokenTiles.cuh"

namespace jet::cuda {

/// Channels of a part.
constexpr int kPartChannels = 16;
/// Rows of the inputs of a part: three tokens before its own.
constexpr int kPartRows = kTileTokens + kGeneratedTaps - 1;

/// How the copies find parts of rows [B, T, D].
struct SequenceTiles {
  CUtensorMap map;

  /// - rows: how many a copy brings.
  cudaError_t describe(const SequenceRows &from, int batch, int tokens, int channels, int rows) {
    // A distance that nobody goes may be anything in a tensor.
    int64_t token = tokens > 1 ? from.token : channels, sequence = batch > 1 ? from.batch : tokens * token;
    return describe_tensor<3>(map, from.data, {channels, tokens, batch}, {token, sequence}, {kPartChannels, rows, 1},
                              CU_TENSOR_MAP_SWIZZLE_32B);
  }
};

/// A thread's channel `i`, by its place in the four lanes that share a token.
__device__ constexpr int channel_of(int i, int quarter) { return 4 * quarter + i; }

#if __CUDA_ARCH__ >= 900

/// Begins a copy of a part, which arrives at `place`. By one thread.
__device__ inline void bring_part(void *to, const SequenceTiles &from, int b, int token, int channel, uint64_t *place) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4}], "
      "[%5];" ::"r"(shared_address(to)),
      "l"(&from.map), "r"(channel), "r"(token), "r"(b), "r"(shared_address(place))
      : "memory");
}

/// Where a thread's numbers of its first row lie in a part, of that row's half and of those of later rows.
struct PartPlaces {
  uint32_t first, third;  // of rows 0 and 1; of rows 2 and 3, less two rows

  /// - row: the first of the thread's, an even one.
  __device__ PartPlaces(const unsigned char *part, int row, int quarter) {
    uint32_t at = shared_address(part) + 32 * row;
    int half = quarter / 2, within = quarter % 2 * 8;
    first = at + within + 16 * (half ^ (row / 4 & 1));
    third = at + within + 16 * (half ^ ((row + 2) / 4 & 1));
  }

  /// Two pairs of numbers of row `r`, at most 4, of a copy `offset` bytes from the first.
  __device__ void read(uint32_t (&pairs)[2], int r, int offset) const {
    uint32_t at = r < 2 ? first : r < 4 ? third : first ^ 16;
    asm volatile("ld.shared.v2.b32 {%0, %1}, [%2];"
                 : "=r"(pairs[0]), "=r"(pairs[1])
                 : "r"(at + offset + 32 * r)
                 : "memory");
  }
};

#endif

/// What a warpgroup reads on its way: `kCopies` parts at once, and arrivals.
template <int kCopies>
struct PartQueue {
  static constexpr int kInputBytes = kPartRows * 32;
  // Aligned to 256.
  static constexpr int kCopy = (kInputBytes + 255) / 256 * 256;
  static constexpr int kBytes = (kCopies * kCopy + 2 * int(sizeof(uint64_t)) + 255) / 256 * 256;

  unsigned char *memory;

#if __CUDA_ARCH__ >= 900
  __device__ unsigned char *at(int copy) const { return memory + copy * kCopy; }
  /// Where parts arrive, and warps that have read them.
  __device__ uint64_t *there() const { return reinterpret_cast<uint64_t *>(memory + kCopies * kCopy); }
  __device__ uint64_t *taken() const { return there() + 1; }

  /// By one thread, before all meet.
  __device__ void start() const {
    start_place(there(), 1);
    start_place(taken(), 4);
    publish_places();
  }
#endif
};

/// The inputs of a thread's two tokens and the three before them, of channels 2i and 2i + 1 in pair i.
using PartInputs = uint32_t[kGeneratedTaps + 1][2];

/// Puts what comes before a sequence's first token in the place of zeros.
///
/// - window: of the sequence, from the part's first channel.
/// - token: the first of the thread's, counted in the sequence.
__device__ inline void take_window(PartInputs &inputs, const uint16_t *window, int token, int quarter) {
#pragma unroll
  for (int r = 0; r < kGeneratedTaps - 1; ++r) {
    int before = token + r - (kGeneratedTaps - 1);
    if (before >= 0) continue;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const uint16_t *from = window + channel_of(2 * i, quarter) * kGeneratedTaps + kGeneratedTaps + before;
      inputs[r][i] = from[0] | uint32_t(from[kGeneratedTaps]) << 16;
    }
  }
}

/// Zero, but not before the numbers are there.
///
/// - none: zero, which the compiler does not know.
template <int N>
__device__ inline uint32_t zero_of(const uint32_t (&pairs)[N][2], uint32_t none) {
  uint32_t all = 0;
#pragma unroll
  for (int r = 0; r < N; ++r) all |= pairs[r][0] | pairs[r][1];
  return all & none;
}

/// One of a pair of numbers.
__device__ inline float of_pair(const uint32_t (&pairs)[2], int i) {
  return __uint_as_float(i % 2 == 0 ? pairs[i / 2] << 16 : pairs[i / 2] & 0xffff0000u);
}

/// What the convolution gives for a thread's two tokens and four channels, before silu.
///
/// - taps: 0 and 1 of channel i are in taps[2i], the others in taps[2i + 1]; the second half of each is the later
/// token's.
__device__ inline void convolve(float (&z)[2][4], const float (*taps)[4], const PartInputs &inputs) {
#pragma unroll
  for (int w = 0; w < kGeneratedTaps; ++w) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float product = taps[2 * i + w / 2][2 * half + w % 2] * of_pair(inputs[half + w], i);
        z[half][i] = w == 0 ? product : z[half][i] + product;
      }
    }
  }
}

}  // namespace jet::cuda
