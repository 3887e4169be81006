// GatedDeltaRuleTransitions.cu: the transitions of every chunk of every head at once (see Transition.cuh).
//
// A warp makes whole rows of [F; R] and, from these, of [M; N]: 16 keys or 16 tokens at a time; of a replay T β stands in
// the place of R. P, T and the keys that have decayed are taken as two bfloat16 parts each, so that F and R are exact
// but for their own rounding.

#include <type_traits>

#include "ChunkSquares.cuh"
#include "Launch.cuh"
#include "TokenColumns.cuh"
#include "Transition.cuh"

namespace jet::cuda {
namespace {

/// Numbers from row to row of T β.
constexpr int kSolvedStride = kChunk + 8;

/// A left factor in two parts.
struct Parts {
  Left<Half> high, low;

  __device__ void take_pair(int i, float first, float second) {
    uint32_t pair = packed(first, second);
    high.r[i] = pair;
    low.r[i] = packed(first - __uint_as_float(pair << 16), second - __uint_as_float(pair & 0xffff0000u));
  }
};

/// T in two parts, in its own place; with `kWeights` T β.
template <bool kWeights>
__device__ inline void divide(float *square, const float *strength, Half *high, Half *low) {
  constexpr int kPasses = kChunk * kChunk / 4 / kPreparers;
  float4 numbers[kPasses];
#pragma unroll
  for (int pass = 0; pass < kPasses; ++pass) {
    int i = kPreparers * pass + threadIdx.x;
    numbers[pass] = *reinterpret_cast<const float4 *>(square + i / 16 * kSolveStride + i % 16 * 4);
    if constexpr (kWeights) {
      float4 factor = *reinterpret_cast<const float4 *>(strength + i % 16 * 4);
      numbers[pass].x *= factor.x;
      numbers[pass].y *= factor.y;
      numbers[pass].z *= factor.z;
      numbers[pass].w *= factor.w;
    }
  }
  __syncthreads();
#pragma unroll
  for (int pass = 0; pass < kPasses; ++pass) {
    int i = kPreparers * pass + threadIdx.x;
    Parts parts;
    parts.take_pair(0, numbers[pass].x, numbers[pass].y);
    parts.take_pair(1, numbers[pass].z, numbers[pass].w);
    int at = i / 16 * kSolvedStride + i % 16 * 4;
    *reinterpret_cast<uint2 *>(high + at) = make_uint2(parts.high.r[0], parts.high.r[1]);
    *reinterpret_cast<uint2 *>(low + at) = make_uint2(parts.low.r[0], parts.low.r[1]);
  }
  __syncthreads();
}

/// 16 rows of [F; R] from the same rows of [(exp(G − g) K)ᵀ; P], of which columns beyond 16 · last + 15 are zero.
__device__ inline void multiply_solved(float (&sums)[8][4], const Parts (&rows)[4], int last, const Half *high,
                                       const Half *low) {
  clear(sums);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    if (k > last) continue;
#pragma unroll
    for (int n = 0; n <= k; ++n) {
      Right<Half> right;
      load(right, low, kSolvedStride, 16 * k, 16 * n);
      multiply(sums[2 * n], sums[2 * n + 1], rows[k].high, right);
      load(right, high, kSolvedStride, 16 * k, 16 * n);
      multiply(sums[2 * n], sums[2 * n + 1], rows[k].low, right);
      multiply(sums[2 * n], sums[2 * n + 1], rows[k].high, right);
    }
  }
}

/// 16 rows of [M; R (exp(g) K)] from the same rows of [F; R], which are scaled.
template <int KP>
__device__ inline void multiply_keys(float (&sums)[KP / 8][4], float (&rows)[8][4], int last, const Half *keys,
                                     const float *rise) {
  clear(sums);
  scale_columns(rows, rise);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    if (k > last) continue;
    Left<Half> left;
    take(left, rows[2 * k], rows[2 * k + 1]);
#pragma unroll
    for (int n = 0; n < KP / 16; ++n) {
      Right<Half> right;
      load(right, keys, Record<Half, KP>::kKeyStride, 16 * k, 16 * n);
      multiply(sums[2 * n], sums[2 * n + 1], left, right);
    }
  }
}

/// 16 rows of T β, as sums.
__device__ inline void take_solved(float (&rows)[8][4], int row, int last, const Half *high, const Half *low) {
  int lane = threadIdx.x % 32;
  clear(rows);
#pragma unroll
  for (int n = 0; n < 8; ++n) {
    if (n / 2 > last) continue;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      int at = (row + lane / 4 + 8 * (i / 2)) * kSolvedStride + 8 * n + 2 * (lane % 4) + i % 2;
      rows[n][i] = number(high[at]) + number(low[at]);
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

template <int KP, Purpose kPurpose>
__global__ void __launch_bounds__(kPreparers, KP <= 96 ? 4 : 3)
    transitions(GatedDeltaRuleCall call, Factors *left, bool aligned_keys, bool aligned_queries) {
  using Layout = Transition<KP>;
  constexpr int kStride = Record<Half, KP>::kKeyStride;
  constexpr bool kReverse = kPurpose == Purpose::kReverse;
  extern __shared__ __align__(128) unsigned char shared[];
  __shared__ __align__(16) Factors factors;
  Half *keys = reinterpret_cast<Half *>(shared), *queries = keys + kChunk * kStride;
  Half *high = queries + kChunk * kStride, *low = high + kChunk * kSolvedStride;
  float *square = reinterpret_cast<float *>(high);
  ChunkInputs<Half, KP> inputs{keys, queries, factors};

  int chunks = call.chunks();
  unsigned char *record = static_cast<unsigned char *>(call.records) + int64_t(blockIdx.x) * Layout::kBytes;
  inputs.load(call, blockIdx.x / chunks, blockIdx.x % chunks, aligned_keys, aligned_queries);
  float rows[8][4];
  inputs.mix(square, rows);
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  Parts parts[4];
#pragma unroll
  for (int i = 0; i < 16; ++i) parts[i / 4].take_pair(i % 4, rows[i / 2][2 * (i % 2)], rows[i / 2][2 * (i % 2) + 1]);
  __syncthreads();
  // Backwards β comes after R and F have been written.
  if (kReverse && threadIdx.x < kChunk) factors.rise_key[threadIdx.x] *= factors.strength[threadIdx.x];
  invert(square);
  divide<!kReverse>(square, factors.strength, high, low);

  // Of the tokens whose scores the warp has.
  int token = 16 * warp, turned = Layout::reordered(token);
  if constexpr (kPurpose == Purpose::kReplay) take_solved(rows, token, warp, high, low);
  else multiply_solved(rows, parts, warp, high, low);
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
  multiply_keys<KP>(sums, rows, warp, keys, factors.rise_key);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int row = token + 8 * half + lane / 4;
    float rise = kPurpose == Purpose::kReplay ? 0.0f : factors.rise_query[row];
    const Half *query = queries + row * kStride + 2 * (lane % 4);
#pragma unroll
    for (int n = 0; n < KP / 8; ++n) {
      float first = -sums[n][2 * half], second = -sums[n][2 * half + 1];
      if constexpr (kPurpose != Purpose::kReplay) {
        first += rise * number(query[8 * n]);
        second += rise * number(query[8 * n + 1]);
      }
      if constexpr (kReverse)
        store_transposed(record + Layout::kWrite, KP, turned / 8 + half, 8 * n, first, second);
      else store_group(record + Layout::kRead, kChunk, n, turned + 8 * half, first, second);
    }
  }

  // Of the keys.
  for (int key = 16 * warp; key < KP; key += 64) {
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      Left<Half> raw;
      load_transposed(raw, keys, kStride, 16 * k, key);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        float2 fall = *reinterpret_cast<const float2 *>(factors.fall + 16 * k + 8 * (i / 2) + 2 * (lane % 4));
        parts[k].take_pair(i, __uint_as_float(raw.r[i] << 16) * fall.x,
                           __uint_as_float(raw.r[i] & 0xffff0000u) * fall.y);
      }
    }
    multiply_solved(rows, parts, 3, high, low);
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
    multiply_keys<KP>(sums, rows, 3, keys, factors.rise_key);
#pragma unroll
    for (int n = 0; n < KP / 8; ++n) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float first = -sums[n][2 * half], second = -sums[n][2 * half + 1];
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
  int bytes = 2 * kChunk * (Record<Half, KP>::kKeyStride + kSolvedStride) * sizeof(Half);
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
