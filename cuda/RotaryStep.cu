// RotaryStep.cu: one block a sequence, one warp a head; the angles are worked out once a block.

#include "RotaryStep.h"

#include "DependentLaunch.cuh"
#include "Mma.cuh"

#include <algorithm>

namespace jet::cuda {
namespace {

/// Pairs of channels (i, i + D/2) that a lane holds.
constexpr int kPairs = kRotaryStepWidest / 64;

__device__ float warp_sum(float x) {
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) x += __shfl_xor_sync(~0u, x, apart);
  return x;
}

/// Where the token of sequence n goes in a pool of one key head, in rows; −1 where it has no place.
__device__ int64_t pool_row(const RotaryStepCall &call, int n, int position) {
  if (position < 0) return -1;
  int place = call.ring ? position % call.page_tokens : position;
  int slot = place / call.page_tokens;
  if (slot >= call.sequence_pages) return -1;
  int page = call.pages[int64_t(n) * call.sequence_pages + slot];
  if (page < 0 || page >= call.pool_pages) return -1;
  return int64_t(page) * call.key_heads * call.page_tokens + place % call.page_tokens;
}

/// A head into registers, normed where there are weights; lane l has the pairs l, l + 32, …
template <typename T>
__device__ void load_head(const T *from, const T *norm, float eps, int half, int lane, float (&a)[kPairs],
                          float (&b)[kPairs]) {
  float squares = 0;
#pragma unroll
  for (int j = 0; j < kPairs; ++j) {
    int i = lane + 32 * j;
    a[j] = i < half ? number(from[i]) : 0.0f;
    b[j] = i < half ? number(from[half + i]) : 0.0f;
    squares += a[j] * a[j] + b[j] * b[j];
  }
  if (norm == nullptr) return;
  float scale = rsqrtf(warp_sum(squares) / static_cast<float>(2 * half) + eps);
#pragma unroll
  for (int j = 0; j < kPairs; ++j) {
    int i = lane + 32 * j;
    if (i >= half) continue;
    a[j] = number(rounded<T>(a[j] * scale * number(norm[i])));
    b[j] = number(rounded<T>(b[j] * scale * number(norm[half + i])));
  }
}

template <typename T>
__global__ void rotary_step_kernel(RotaryStepCall call) {
  __shared__ float cosines[kRotaryStepWidest / 2], sines[kRotaryStepWidest / 2];
  let_later_start();
  wait_for_earlier();
  int n = blockIdx.x, width = call.head_width, half = width / 2;
  int position = call.positions[n];
  for (int i = threadIdx.x; i < half; i += blockDim.x) {
    float angle = __fmul_rn(static_cast<float>(position), call.frequencies[i]);
    cosines[i] = cosf(angle) * call.magnitude;
    sines[i] = sinf(angle) * call.magnitude;
  }
  __syncthreads();
  int64_t row = pool_row(call, n, position);
  int lane = threadIdx.x & 31;
  for (int head = threadIdx.x >> 5; head < call.heads + 2 * call.key_heads; head += blockDim.x >> 5) {
    bool is_query = head < call.heads, is_key = !is_query && head < call.heads + call.key_heads;
    const T *from = static_cast<const T *>(call.projected) + n * call.row_stride + int64_t(head) * width;
    const T *norm = static_cast<const T *>(is_query ? call.query_norm : is_key ? call.key_norm : nullptr);
    float a[kPairs], b[kPairs];
    load_head(from, norm, call.eps, half, lane, a, b);
    T *to;
    if (is_query) {
      to = static_cast<T *>(call.queries) + (int64_t(n) * call.heads + head) * width;
    } else {
      if (row < 0) continue;
      int g = (head - call.heads) % call.key_heads;
      to = static_cast<T *>(is_key ? call.keys : call.values) + (row + int64_t(g) * call.page_tokens) * width;
    }
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      int i = lane + 32 * j;
      if (i >= half) continue;
      float first = a[j], second = b[j];
      if (is_query || is_key) {
        first = a[j] * cosines[i] - b[j] * sines[i];
        second = b[j] * cosines[i] + a[j] * sines[i];
      }
      to[i] = rounded<T>(first);
      to[half + i] = rounded<T>(second);
    }
  }
}

}  // namespace

cudaError_t launch_rotary_step(const RotaryStepCall &call) {
  if (call.sequences == 0) return cudaSuccess;
  DeviceLimits limits;
  if (cudaError_t error = DeviceLimits::find(limits); error != cudaSuccess) return error;
  int threads = 32 * std::min(call.heads + 2 * call.key_heads, 16);
  auto kernel = call.half ? rotary_step_kernel<Half> : rotary_step_kernel<float>;
  return launch_dependent(limits, kernel, dim3(call.sequences), threads, 0, 1, call.stream, call);
}

}  // namespace jet::cuda
