// SampleRow.cuh: a row of logits as a cluster of blocks has it, with what its numbers are compared and weighed by.
#pragma once

#include <cstdint>

#include "Cluster.cuh"

namespace jet::cuda {

constexpr int kSampleThreads = 512;
constexpr int kSampleWarps = kSampleThreads / 32;
/// Logits that a warp looks at together, four neighbours a lane.
constexpr int kSampleStep = 128;

using Told = const uint64_t (*)[kSampleWarps];

__device__ inline uint64_t bits_of(double x) { return static_cast<uint64_t>(__double_as_longlong(x)); }
__device__ inline double double_of(uint64_t bits) { return __longlong_as_double(static_cast<long long>(bits)); }

__device__ inline double warp_sum(double x) {
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) x += __shfl_xor_sync(~0u, x, apart);
  return x;
}

__device__ inline uint64_t warp_greatest(uint64_t x) {
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) {
    uint64_t other = __shfl_xor_sync(~0u, x, apart);
    x = other > x ? other : x;
  }
  return x;
}

/// The sum over all warps of all blocks, in one order.
__device__ inline double total_of(Told values) {
  double own = 0;
#pragma unroll 1
  for (int w = threadIdx.x & 31; w < cluster_size() * kSampleWarps; w += 32)
    own += double_of(values[w / kSampleWarps][w % kSampleWarps]);
  return warp_sum(own);
}

__device__ inline uint64_t greatest_of(Told values) {
  uint64_t own = 0;
#pragma unroll 1
  for (int w = threadIdx.x & 31; w < cluster_size() * kSampleWarps; w += 32) {
    uint64_t other = values[w / kSampleWarps][w % kSampleWarps];
    own = other > own ? other : own;
  }
  return warp_greatest(own);
}

/// Rises with x; equal for both zeros.
__device__ inline uint32_t key_of(float x) {
  uint32_t bits = __float_as_uint(__fadd_rn(x, 0.0f));
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ inline float logit_of(uint32_t key) { return __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key); }

/// The block's logits where they fit, then what a search needs.
extern __shared__ __align__(16) float sampling_shared[];

struct Row {
  const float *logits;  // the block's, of device memory
  bool is_shared;       // whether they are in shared memory too
  int first;            // their first id
  int count;
  int segment;               // logits of a warp, a multiple of `kSampleStep`
  int warp_first, warp_end;  // those of this warp, of the block's
  float most;
  float scale;  // log₂ e over the temperature

  /// How many times a logit's weight must be doubled to be that of the greatest.
  __device__ float distance(float x) const { return (most - x) * scale; }
  __device__ float weight(float x) const { return exp2f(-distance(x)); }

  __device__ float at(int i) const { return is_shared ? sampling_shared[i] : logits[i]; }

  /// Four logits from a multiple of 4 on; −inf beyond the last.
  __device__ void load(int i, float (&x)[4]) const {
    if (is_shared) {
      float4 four = make_float4(-INFINITY, -INFINITY, -INFINITY, -INFINITY);
      if (i < count) four = *reinterpret_cast<const float4 *>(sampling_shared + i);
      x[0] = four.x, x[1] = four.y, x[2] = four.z, x[3] = four.w;
      return;
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) x[j] = i + j < count ? logits[i + j] : -INFINITY;
  }
};

/// Copies the block's logits into shared memory where they fit, −inf behind them up to a multiple of 4, and finds the
/// greatest of the row with its lowest id, as key · 2³² + (2³² − 1 − id); all ones for a row with NaN or +inf.
__device__ inline uint64_t read_row(const Row &row, Exchange<kSampleWarps> &exchange, int &turn) {
  constexpr int kTogether = 5;  // vectors of which a thread reads the last before it uses the first
  uint64_t best = 0;
  auto take = [&](float x, int i) {
    uint32_t after = 0xffffffffu - static_cast<uint32_t>(row.first + i);
    uint64_t rank = x < INFINITY ? uint64_t(key_of(x)) << 32 | after : ~uint64_t(0);
    best = rank > best ? rank : best;
  };
  bool vectors = reinterpret_cast<uintptr_t>(row.logits) % 16 == 0;
  int whole = vectors ? row.count / 4 : 0;
  for (int start = threadIdx.x; start < whole; start += kTogether * kSampleThreads) {
    float4 x[kTogether];
#pragma unroll
    for (int i = 0; i < kTogether; ++i) {
      int v = start + i * kSampleThreads;
      if (v < whole) x[i] = reinterpret_cast<const float4 *>(row.logits)[v];
    }
#pragma unroll
    for (int i = 0; i < kTogether; ++i) {
      int v = start + i * kSampleThreads;
      if (v >= whole) break;
      if (row.is_shared) reinterpret_cast<float4 *>(sampling_shared)[v] = x[i];
      take(x[i].x, 4 * v);
      take(x[i].y, 4 * v + 1);
      take(x[i].z, 4 * v + 2);
      take(x[i].w, 4 * v + 3);
    }
  }
#pragma unroll 4
  for (int i = 4 * whole + threadIdx.x; i < (row.count + 3) / 4 * 4; i += kSampleThreads) {
    float x = i < row.count ? row.logits[i] : -INFINITY;
    if (row.is_shared) sampling_shared[i] = x;
    take(x, i);
  }
  return greatest_of(exchange.tell(warp_greatest(best), turn));
}

}  // namespace jet::cuda
