// GatedDeltaRuleTransitions.cu: the transitions of every chunk of every head at once (see Transition.cuh).
//
// A warp makes whole rows of [F; R] and, from these, of [M; N]: 16 keys or 16 tokens at a time; of a replay T β stands in
// the place of R. P, T and the keys that have decayed are taken as two bfloat16 parts each, so that F and R are exact
// but for their own rounding.

#include <type_traits>

#include "ChunkSquares.cuh"
#include "Launch.cuh"
#include "SolvedTiles.cuh"
#include "TokenColumns.cuh"
#include "Transition.cuh"

namespace jet::cuda {
namespace {

/// T, or T β, and the same with its rows multiplied by exp(G − g), both transposed tile by tile.
struct SolvedTiles {
  Tile solved[kTriangle], falling[kTriangle];

  /// Takes the blocks of a warp's 16 columns.
  template <bool kWeights>
  __device__ void take(const float (&blocks)[4][2][4], const Factors &factors) {
    int column = threadIdx.x / 32, lane = threadIdx.x % 32;
    float weights[2] = {1.0f, 1.0f};
    if constexpr (kWeights) {
      weights[0] = factors.strength[16 * column + lane / 4];
      weights[1] = factors.strength[16 * column + lane / 4 + 8];
    }
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      int row = column + step;
      if (row > 3) break;
      int at = triangle_place(row, column);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float *pair = blocks[step][i / 2] + i % 2 * 2;
        float2 fall = *reinterpret_cast<const float2 *>(factors.fall + 16 * row + i / 2 * 8 + 2 * (lane % 4));
        float first = pair[0] * weights[i % 2], second = pair[1] * weights[i % 2];
        Parts parts;
        parts.take_pair(i, first, second);
        solved[at].store(i, parts.high.r[i], parts.low.r[i]);
        parts.take_pair(i, first * fall.x, second * fall.y);
        falling[at].store(i, parts.high.r[i], parts.low.r[i]);
      }
    }
  }
};

/// 16 rows of R from those of P, of which columns beyond 16 · last + 15 are zero.
__device__ inline void multiply_scores(float (&sums)[8][4], const Parts (&rows)[4], int last, const Tile *solved) {
  clear(sums);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    if (k > last) continue;
#pragma unroll
    for (int n = 0; n <= k; ++n) {
      Right<Half> right;
      Tile::load<false>(right.r, solved[triangle_place(k, n)].low);
      multiply(sums[2 * n], sums[2 * n + 1], rows[k].high, right);
      Tile::load<false>(right.r, solved[triangle_place(k, n)].high);
      multiply(sums[2 * n], sums[2 * n + 1], rows[k].low, right);
      multiply(sums[2 * n], sums[2 * n + 1], rows[k].high, right);
    }
  }
}

/// 16 rows of F from the same columns of the keys.
__device__ inline void multiply_falling(float (&sums)[8][4], const Half *keys, int stride, int key,
                                        const Tile *falling) {
  clear(sums);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    Left<Half> left;
    load_transposed(left, keys, stride, 16 * k, key);
#pragma unroll
    for (int n = 0; n <= k; ++n) {
      Right<Half> right;
      Tile::load<false>(right.r, falling[triangle_place(k, n)].low);
      multiply(sums[2 * n], sums[2 * n + 1], left, right);
      Tile::load<false>(right.r, falling[triangle_place(k, n)].high);
      multiply(sums[2 * n], sums[2 * n + 1], left, right);
    }
  }
}

/// Subtracts 16 rows of F or R times exp(g) K.
template <int KP>
__device__ inline void subtract_keys(float (&sums)[KP / 8][4], const float (&rows)[8][4], int last, const Half *keys,
                                     const float *rise) {
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    if (k > last) continue;
    Left<Half> left;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float(&pair)[4] = rows[2 * k + i / 2];
      float2 factor = *reinterpret_cast<const float2 *>(rise + 16 * k + i / 2 * 8 + 2 * (threadIdx.x % 4));
      left.r[i] = packed(-pair[i % 2 * 2] * factor.x, -pair[i % 2 * 2 + 1] * factor.y);
    }
#pragma unroll
    for (int n = 0; n < KP / 16; ++n) {
      Right<Half> right;
      load(right, keys, Record<Half, KP>::kKeyStride, 16 * k, 16 * n);
      multiply(sums[2 * n], sums[2 * n + 1], left, right);
    }
  }
}

/// 16 rows of T β, as sums.
__device__ inline void take_solved(float (&rows)[8][4], int row, const Tile *solved) {
  clear(rows);
#pragma unroll
  for (int n = 0; n < 4; ++n) {
    if (n > row) continue;
    uint32_t high[4], low[4];
    Tile::load<true>(high, solved[triangle_place(row, n)].high);
    Tile::load<true>(low, solved[triangle_place(row, n)].low);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      float *pair = rows[2 * n + i / 2] + i % 2 * 2;
      pair[0] = __uint_as_float(high[i] << 16) + __uint_as_float(low[i] << 16);
      pair[1] = __uint_as_float(high[i] & 0xffff0000u) + __uint_as_float(low[i] & 0xffff0000u);
    }
  }
}

/// Writes 8 rows × 8 columns, of which the lane has two of row lane / 4, to rows of a group of a transition.
__device__ inline void store_group(unsigned char *matrix, int rows, int group, int first_row, float low, float high) {
  int lane = threadIdx.x % 32;
  unsigned char *to = matrix + (group * rows + first_row + lane / 4) * 16 + lane % 4 * 4;
  store_pair(reinterpret_cast<Half *>(to), low, high);
}
/// The same of the transpose.
__device__ inline void store_transposed(unsigned char *matrix, int rows, int group, int first_row, float low,
                                        float high) {
  int lane = threadIdx.x % 32;
  unsigned char *to = matrix + (group * rows + first_row + lane / 4) * 16 + lane % 4 * 4;
  *reinterpret_cast<uint32_t *>(to) = transposed(packed(low, high));
}

/// Shared memory beside keys and queries: what makes T, then T.
union Tiles {
  SolveTiles solve;
  SolvedTiles solved;
};

template <int KP, Purpose kPurpose>
__global__ void __launch_bounds__(kPreparers, KP <= 96 ? 4 : 3)
    transitions(GatedDeltaRuleCall call, Factors *left, bool aligned_keys, bool aligned_queries) {
  using Layout = Transition<KP>;
  constexpr int kStride = Record<Half, KP>::kKeyStride;
  constexpr bool kReverse = kPurpose == Purpose::kReverse;
  extern __shared__ __align__(128) unsigned char shared[];
  __shared__ __align__(16) Factors factors;
  __shared__ __align__(16) Spans spans;
  Half *keys = reinterpret_cast<Half *>(shared), *queries = keys + kChunk * kStride;
  Tiles &tiles = *reinterpret_cast<Tiles *>(queries + kChunk * kStride);
  ChunkInputs<Half, KP> inputs{keys, queries, factors, spans};

  int chunks = call.chunks();
  unsigned char *record = static_cast<unsigned char *>(call.records) + int64_t(blockIdx.x) * Layout::kBytes;
  inputs.load(call, blockIdx.x / chunks, blockIdx.x % chunks, aligned_keys, aligned_queries);
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  float rows[8][4];
  Parts parts[4];
  {
    float mixing[8][4];
    inputs.mix(call, mixing, rows);
    tiles.solve.take(mixing);
  }
#pragma unroll
  for (int k = 0; k < 4; ++k) parts[k].take(rows[2 * k], rows[2 * k + 1]);
  // Backwards β comes after R and F have been written.
  if (kReverse && threadIdx.x < kChunk) factors.rise_key[threadIdx.x] *= factors.strength[threadIdx.x];
  __syncthreads();
  tiles.solve.invert_diagonal();
  __syncthreads();
  float solved[4][2][4];
  tiles.solve.solve(solved);
  __syncthreads();
  tiles.solved.take<!kReverse>(solved, factors);
  __syncthreads();

  // Of the tokens whose scores the warp has.
  int token = 16 * warp, turned = Layout::reordered(token);
  if constexpr (kPurpose == Purpose::kReplay) take_solved(rows, warp, tiles.solved.solved);
  else multiply_scores(rows, parts, warp, tiles.solved.solved);
#pragma unroll
  for (int n = 0; n < 8; ++n) {
    if (n / 2 > warp) continue;
    int step = kReverse ? turned / 16 : n / 2;
    unsigned char *matrix = record + Layout::pass(step);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float first = rows[n][2 * half], second = rows[n][2 * half + 1];
      if constexpr (kReverse) store_transposed(matrix, Layout::pass_rows(step), half, 8 * n, first, second);
      else store_group(matrix, Layout::pass_rows(step), n % 2, turned + 8 * half, first, second);
    }
  }
  float sums[KP / 8][4];
  clear(sums);
  if constexpr (kPurpose != Purpose::kReplay) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      int row = token + 8 * half + lane / 4;
      float rise = factors.rise_query[row];
      const Half *query = queries + row * kStride + 2 * (lane % 4);
#pragma unroll
      for (int n = 0; n < KP / 8; ++n) {
        uint32_t pair = *reinterpret_cast<const uint32_t *>(query + 8 * n);
        sums[n][2 * half] = rise * __uint_as_float(pair << 16);
        sums[n][2 * half + 1] = rise * __uint_as_float(pair & 0xffff0000u);
      }
    }
  }
  subtract_keys<KP>(sums, rows, warp, keys, factors.rise_key);
#pragma unroll
  for (int n = 0; n < KP / 8; ++n) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float first = sums[n][2 * half], second = sums[n][2 * half + 1];
      if constexpr (kReverse)
        store_transposed(record + Layout::kWrite, KP, turned / 8 + half, 8 * n, first, second);
      else store_group(record + Layout::kRead, kChunk, n, turned + 8 * half, first, second);
    }
  }

  // Of the keys.
  for (int key = 16 * warp; key < KP; key += 64) {
    multiply_falling(rows, keys, kStride, key, tiles.solved.falling);
#pragma unroll
    for (int n = 0; n < 8; ++n) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float first = rows[n][2 * half], second = rows[n][2 * half + 1];
        if constexpr (kReverse)
          store_transposed(record + Layout::kRead, kChunk, key / 8 + half, 8 * n, first, second);
        else store_group(record + Layout::kWrite, KP, n, key + 8 * half, first, second);
      }
    }
    clear(sums);
    subtract_keys<KP>(sums, rows, 3, keys, factors.rise_key);
#pragma unroll
    for (int n = 0; n < KP / 8; ++n) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float first = sums[n][2 * half], second = sums[n][2 * half + 1];
        if constexpr (kReverse)
          store_transposed(record + Layout::kErase, KP, key / 8 + half, 8 * n, first, second);
        else store_group(record + Layout::kErase, KP, n, key + 8 * half, first, second);
      }
    }
  }
  if (threadIdx.x < 4) reinterpret_cast<float *>(record + Layout::kTotal)[threadIdx.x] = factors.total[threadIdx.x];
  if (threadIdx.x < kChunk)
    reinterpret_cast<float *>(record + Layout::kStrength)[threadIdx.x] = factors.strength[threadIdx.x];
  if constexpr (kPurpose == Purpose::kReplay) {
    for (int i = threadIdx.x; i < int(sizeof(Factors) / 16); i += kPreparers)
      reinterpret_cast<uint4 *>(left + blockIdx.x)[i] = reinterpret_cast<const uint4 *>(&factors)[i];
  }
}

template <int KP, Purpose kPurpose>
cudaError_t launch(const GatedDeltaRuleCall &call, void *factors) {
  int bytes = 2 * kChunk * Record<Half, KP>::kKeyStride * sizeof(Half) + sizeof(Tiles);
  auto *kernel = transitions<KP, kPurpose>;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error != cudaSuccess) return error;
  int64_t blocks = int64_t(call.batch) * call.heads * call.chunks();
  kernel<<<static_cast<unsigned>(blocks), kPreparers, bytes, call.stream>>>(
      call, static_cast<Factors *>(factors), is_aligned(call.key, call.key_width, sizeof(Half)),
      is_aligned(call.query, call.key_width, sizeof(Half)));
  return cudaGetLastError();
}

}  // namespace

bool has_transitions(const GatedDeltaRuleCall &call) {
  int device = 0, major = 0, minor = 0;
  return call.half && padded_key_width(call.key_width) <= 128 && cudaGetDevice(&device) == cudaSuccess &&
         cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
         cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess && major == 9 &&
         minor == 0;
}

int64_t transition_bytes(int key_width) {
  switch (padded_key_width(key_width)) {
    case 64: return Transition<64>::kBytes;
    case 96: return Transition<96>::kBytes;
    default: return Transition<128>::kBytes;
  }
}

int64_t factor_bytes() { return sizeof(Factors); }

cudaError_t gated_delta_rule_transitions(const GatedDeltaRuleCall &call, Purpose purpose, void *factors) {
  auto with_width = [&](auto width) {
    constexpr int KP = decltype(width)::value;
    switch (purpose) {
      case Purpose::kOutputs: return launch<KP, Purpose::kOutputs>(call, factors);
      case Purpose::kReplay: return launch<KP, Purpose::kReplay>(call, factors);
      default: return launch<KP, Purpose::kReverse>(call, factors);
    }
  };
  switch (padded_key_width(call.key_width)) {
    case 64: return with_width(std::integral_constant<int, 64>());
    case 96: return with_width(std::integral_constant<int, 96>());
    case 128: return with_width(std::integral_constant<int, 128>());
    default: return cudaErrorNotSupported;
  }
}

}  // namespace jet::cuda
