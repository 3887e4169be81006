// Silu.cuh: silu(x) = x / (1 + exp(−x)) and its slope, in registers.
#pragma once

#include "Mma.cuh"

namespace jet::cuda {

/// 1 / (1 + exp(−x)), to some units of the last place; of all numbers side by side, as each step waits for the one
/// before.
template <int N, int M>
__device__ inline void quick_sigmoid(float (&results)[N][M], const float (&x)[N][M]) {
#pragma unroll
  for (int i = 0; i < N * M; ++i)
    asm volatile("ex2.approx.ftz.f32 %0, %1;" : "=f"(results[i / M][i % M]) : "f"(-1.44269504f * x[i / M][i % M]));
#pragma unroll
  for (int i = 0; i < N * M; ++i) {
    float &result = results[i / M][i % M];
    asm volatile("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(1.0f + result));
  }
}

/// silu of eight numbers.
__device__ inline uint4 silu(const uint4 &numbers) {
  const uint32_t pairs[4] = {numbers.x, numbers.y, numbers.z, numbers.w};
  float x[4][2], s[4][2];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float2 pair = unpacked(pairs[i]);
    x[i][0] = pair.x;
    x[i][1] = pair.y;
  }
  quick_sigmoid(s, x);
  uint32_t results[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) results[i] = packed(x[i][0] * s[i][0], x[i][1] * s[i][1]);
  return make_uint4(results[0], results[1], results[2], results[3]);
}

/// The slopes of silu at two pairs of numbers.
__device__ inline void silu_slopes(float (&slopes)[2][2], uint32_t first, uint32_t second) {
  float2 low = unpacked(first), high = unpacked(second);
  const float x[2][2] = {{low.x, low.y}, {high.x, high.y}};
  float s[2][2];
  quick_sigmoid(s, x);
#pragma unroll
  for (int i = 0; i < 2; ++i) {
#pragma unroll
    for (int e = 0; e < 2; ++e) slopes[i][e] = s[i][e] * (1.0f + x[i][e] * (1.0f - s[i][e]));
  }
}

}  // namespace jet::cuda
