// StepRows.cuh: what the kernels of a decode step on pools have in common that mix tokens by a memory a head.
#pragma once

#include <cstddef>
#include <cstdint>

#include "DependentLaunch.cuh"
#include "Quad.cuh"

namespace jet::cuda {

/// The value columns of a block; a thread has four of them.
constexpr int kStepColumns = 64;
constexpr int kStepQuads = kStepColumns / 4;

inline bool is_aligned(const void *p, size_t bytes) { return reinterpret_cast<uintptr_t>(p) % bytes == 0; }

inline __device__ float sigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }

inline __device__ float silu(float x) { return __fdividef(x, 1.0f + expf(-x)); }

inline __device__ float softplus(float x) { return x > 20.0f ? x : log1pf(expf(x)); }

inline __device__ float warp_sum(float x) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) x += __shfl_xor_sync(~0u, x, distance);
  return x;
}

inline __device__ void add(float4 &sum, float4 x, float factor) {
  sum.x = fmaf(x.x, factor, sum.x);
  sum.y = fmaf(x.y, factor, sum.y);
  sum.z = fmaf(x.z, factor, sum.z);
  sum.w = fmaf(x.w, factor, sum.w);
}

inline __device__ void add_other_half(float4 &x) {
  x.x += __shfl_xor_sync(~0u, x.x, 16);
  x.y += __shfl_xor_sync(~0u, x.y, 16);
  x.z += __shfl_xor_sync(~0u, x.z, 16);
  x.w += __shfl_xor_sync(~0u, x.w, 16);
}

/// Waits for the grids before this one, whose results nothing may read earlier, then lets the next grid start. In this
/// order, a grid that has started knows all but the one before it to be finished.
inline __device__ void await_earlier_grids() {
  wait_for_earlier();
  let_later_start();
}

/// Asks for `columns` numbers of each of `rows` rows of a memory that lie `width` apart. Only into the L2 cache, which
/// sees all later writes: the memory need not be final. By all `threads` of the block.
template <typename M>
__device__ void prefetch_rows(const M *memory, int rows, int width, int columns, int threads) {
  for (int k = threadIdx.x; k < rows; k += threads) {
    const M *from = memory + int64_t(k) * width;
    for (int i = 0; i < columns; i += 128 / static_cast<int>(sizeof(M)))
      asm volatile("prefetch.global.L2 [%0];" ::"l"(from + i));
  }
}

/// Moves the window of a channel on by `newest`, and convolves it. `is_quad`: four taps, aligned to all four.
template <typename T>
__device__ float convolve(T *window, const T *kernel, int taps, bool is_quad, T newest) {
  float last = wide(newest);
  if (is_quad) {
    Quad<T> inputs, factors;
    inputs.load(window);
    factors.load(kernel);
    float4 x = inputs.numbers(), factor = factors.numbers();
    x = make_float4(x.y, x.z, x.w, last);
    Quad<T>::store(window, x);
    return x.x * factor.x + x.y * factor.y + x.z * factor.z + x.w * factor.w;
  }
  float sum = 0;
#pragma unroll 1
  for (int i = 0; i + 1 < taps; ++i) {
    T x = window[i + 1];
    window[i] = x;
    sum = fmaf(wide(x), wide(kernel[i]), sum);
  }
  window[taps - 1] = newest;
  return fmaf(last, wide(kernel[taps - 1]), sum);
}

}  // namespace jet::cuda
