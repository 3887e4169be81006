// PagedAttention.cu: how paged attention is cut up and launched, and the kernel that adds up what blocks share.

#include "PagedAttention.h"

#include <algorithm>

#include "DependentLaunch.cuh"
#include "Mma.cuh"
#include "PagedForms.cuh"

namespace jet::cuda {
namespace {

/// The most blocks of the first kernel, so that their weights have room here.
constexpr int kMostBlocks = 2048;
constexpr int kAddingWarps = 8;
constexpr int kAddingThreads = 32 * kAddingWarps;

/// Adds up one query head of the part that block blockIdx.x of the first kernel began and others ended.
///
/// Each warp adds every eighth block's sums, then the warps' are added: always in the same order.
template <typename T>
__global__ void __launch_bounds__(kAddingThreads) add_parts_kernel(PagedAttentionCall call) {
  __shared__ float weights[kMostBlocks];
  __shared__ float warp_values[2][kAddingWarps];
  __shared__ float warp_sums[kAddingWarps][kWidestHead];
  let_later_start();
  wait_for_earlier();
  int4 span = call.spans[blockIdx.x];
  if (span.x < 0) return;
  int count = span.z, head = blockIdx.y, width = call.head_width;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  // The first block's part is in its slot 1, that of those behind it in their slot 0.
  auto row = [&](int j) { return int64_t(2 * (static_cast<int>(blockIdx.x) + j) + (j == 0)) * call.group + head; };
  float most = -INFINITY;
  for (int j = threadIdx.x; j < count; j += kAddingThreads) most = fmaxf(most, call.measures[row(j)].x);
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) most = fmaxf(most, __shfl_xor_sync(~0u, most, apart));
  if (lane == 0) warp_values[0][warp] = most;
  __syncthreads();
  for (int w = 0; w < kAddingWarps; ++w) most = fmaxf(most, warp_values[0][w]);
  float total = 0;
  for (int j = threadIdx.x; j < count; j += kAddingThreads) {
    float2 measure = call.measures[row(j)];
    weights[j] = decayed(measure.x, most);
    total += measure.y * weights[j];
  }
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) total += __shfl_xor_sync(~0u, total, apart);
  if (lane == 0) warp_values[1][warp] = total;
  __syncthreads();
  total = 0;
  for (int w = 0; w < kAddingWarps; ++w) total += warp_values[1][w];
  constexpr int kEach = kWidestHead / 32;
  float sums[kEach] = {};
#pragma unroll 2
  for (int j = warp; j < count; j += kAddingWarps) {
    const float *part = call.partials + row(j) * width;
#pragma unroll
    for (int i = 0; i < kEach; ++i)
      if (lane + 32 * i < width) sums[i] += part[lane + 32 * i] * weights[j];
  }
#pragma unroll
  for (int i = 0; i < kEach; ++i) warp_sums[warp][lane + 32 * i] = sums[i];
  __syncthreads();
  T *out = static_cast<T *>(call.out) + ((int64_t(span.x) * call.key_heads + span.y) * call.group + head) * width;
  for (int d = threadIdx.x; d < width; d += kAddingThreads) {
    float sum = 0;
    for (int w = 0; w < kAddingWarps; ++w) sum += warp_sums[w][d];
    out[d] = rounded<T>(total > 0 ? sum / total : 0.0f);
  }
}

bool is_aligned(const void *data, uintptr_t bytes) { return reinterpret_cast<uintptr_t>(data) % bytes == 0; }

PagedForm form_of(const PagedAttentionCall &call, bool fast) { return fast ? paged_tiles(call) : paged_plain(call); }

int64_t rounded_up(int64_t bytes) { return (bytes + 15) / 16 * 16; }

}  // namespace

cudaError_t plan_paged_attention(const PagedAttentionCall &call, PagedAttentionPlan &plan) {
  DeviceLimits limits;
  if (cudaError_t error = DeviceLimits::find(limits); error != cudaSuccess) return error;
  plan.fast = call.half && call.head_width % 8 == 0 && is_aligned(call.keys, 16) && is_aligned(call.values, 16) &&
              is_aligned(call.query, 4) && paged_tiles(call).shared_bytes + 1024 <= limits.shared_bytes;
  int64_t units = int64_t(call.sequences) * call.key_heads * ((call.limit + kUnit - 1) / kUnit);
  int64_t most = std::min(kMostBlocks, limits.multiprocessors * form_of(call, plan.fast).blocks_together);
  plan.blocks = static_cast<int>(std::clamp<int64_t>(units, 1, most));
  int64_t rows = int64_t(plan.blocks) * 2 * call.group;
  plan.workspace_bytes = rounded_up(plan.blocks * sizeof(int4)) + rounded_up(rows * sizeof(float2)) +
                         rounded_up(rows * call.head_width * sizeof(float));
  return cudaSuccess;
}

void place_workspace(PagedAttentionCall &call, const PagedAttentionPlan &plan, void *workspace) {
  char *at = static_cast<char *>(workspace);
  call.blocks = plan.blocks;
  call.spans = reinterpret_cast<int4 *>(at);
  at += rounded_up(plan.blocks * sizeof(int4));
  call.measures = reinterpret_cast<float2 *>(at);
  at += rounded_up(int64_t(plan.blocks) * 2 * call.group * sizeof(float2));
  call.partials = reinterpret_cast<float *>(at);
}

cudaError_t launch_paged_attention(const PagedAttentionCall &call, const PagedAttentionPlan &plan) {
  DeviceLimits limits;
  if (cudaError_t error = DeviceLimits::find(limits); error != cudaSuccess) return error;
  PagedForm form = form_of(call, plan.fast);
  cudaError_t error = cudaFuncSetAttribute(form.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, form.shared_bytes);
  if (error == cudaSuccess)
    error = launch_dependent(limits, form.kernel, dim3(call.blocks), kThreads, form.shared_bytes, 1, call.stream, call);
  if (error != cudaSuccess) return error;
  auto add = call.half ? add_parts_kernel<Half> : add_parts_kernel<float>;
  return launch_dependent(limits, add, dim3(call.blocks, call.group), kAddingThreads, 0, 1, call.stream, call);
}

}  // namespace jet::cuda
