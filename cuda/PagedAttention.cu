// PagedAttention.cu: how paged attention is cut up and launched, and the kernel that joins what blocks share.

#include "PagedAttention.h"

#include <algorithm>
#include <cmath>

#include "DependentLaunch.cuh"
#include "Mma.cuh"
#include "PagedForms.cuh"

namespace jet::cuda {
namespace {

constexpr int kJoiningWarps = 8;
constexpr int kJoiningThreads = 32 * kJoiningWarps;
static_assert(kJoiningThreads >= kWidestHead);

/// The factors by which pieces are joined: at each one that of its own sums and that of those before it.
struct Factors {
  float own[kMostPieces], earlier[kMostPieces], totals[kMostPieces];

  /// Reckons them from the pieces' greatest scores, with all threads; `measure` gives a piece's.
  template <typename Measure>
  __device__ void find(int count, const Measure &measure) {
    __shared__ float warp_most[kJoiningWarps];
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    constexpr int kEach = kMostPieces / kJoiningThreads;
    float2 measures[kEach];
    float most = -INFINITY;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      int j = threadIdx.x * kEach + i;
      measures[i] = j < count ? measure(j) : make_float2(-INFINITY, 0.0f);
      most = fmaxf(most, measures[i].x);
    }
    float before = most;  // the greatest up to this thread's pieces, then before these
#pragma unroll
    for (int apart = 1; apart < 32; apart *= 2) {
      float other = __shfl_up_sync(~0u, before, apart);
      if (lane >= apart) before = fmaxf(before, other);
    }
    if (lane == 31) warp_most[warp] = before;
    before = __shfl_up_sync(~0u, before, 1);
    if (lane == 0) before = -INFINITY;
    __syncthreads();
    for (int w = 0; w < warp; ++w) before = fmaxf(before, warp_most[w]);
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      int j = threadIdx.x * kEach + i;
      float both = fmaxf(before, measures[i].x);
      own[j] = decayed(measures[i].x, both);
      earlier[j] = decayed(before, both);
      totals[j] = measures[i].y;
      before = both;
    }
    __syncthreads();
  }
};

/// Joins the pieces of one query head that block blockIdx.x of the first kernel began and others ended, one behind the
/// other as that kernel does. Warps bring their sums into shared memory, 32 pieces at a time.
template <typename T>
__global__ void __launch_bounds__(kJoiningThreads) join_pieces_kernel(PagedAttentionCall call) {
  constexpr int kTogether = 32, kRows = kTogether / kJoiningWarps, kColumns = kWidestHead / 32;
  __shared__ Factors factors;
  __shared__ float rows[kTogether][kWidestHead];
  let_later_start();
  wait_for_earlier();
  int4 span = call.spans[blockIdx.x];
  if (span.x < 0) return;
  int count = span.w - span.z, head = blockIdx.y, width = call.head_width;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int64_t of_head = int64_t(span.x) * call.key_heads + span.y;
  auto row = [&](int j) { return (of_head * call.most_pieces + span.z + j) * call.group + head; };
  float fetched[kRows][kColumns];
  auto fetch = [&](int base) {
#pragma unroll
    for (int r = 0; r < kRows; ++r)
#pragma unroll
      for (int i = 0; i < kColumns; ++i) {
        int j = base + warp + kJoiningWarps * r, d = lane + 32 * i;
        fetched[r][i] = j < count && d < width ? call.partials[row(j) * width + d] : 0.0f;
      }
  };
  fetch(0);
  factors.find(count, [&](int j) { return call.measures[row(j)]; });
  int d = threadIdx.x;
  float sum = -0.0f, total = -0.0f;  // to which the first piece adds as it is
  for (int base = 0; base < count; base += kTogether) {
#pragma unroll
    for (int r = 0; r < kRows; ++r)
#pragma unroll
      for (int i = 0; i < kColumns; ++i) rows[warp + kJoiningWarps * r][lane + 32 * i] = fetched[r][i];
    __syncthreads();
    if (base + kTogether < count) fetch(base + kTogether);
    int here = min(kTogether, count - base);
    if (d < width) {
#pragma unroll 8
      for (int j = 0; j < here; ++j) {
        float own = factors.own[base + j], earlier = factors.earlier[base + j];
        sum = joined(rows[j][d], own, sum, earlier);
        total = joined(factors.totals[base + j], own, total, earlier);
      }
    }
    __syncthreads();
  }
  T *out = static_cast<T *>(call.out) + (of_head * call.group + head) * width;
  if (d < width) out[d] = rounded<T>(__fmul_rn(sum, inverse_of(total)));
}

/// How many pieces the sequences of a class have, by what would suit a call of nothing but such sequences.
///
/// Blocks should be equally busy: of S N G pieces each of B blocks has up to ⌈S N G / B⌉, and a piece costs its units
/// and about half of one to be joined. Of long sequences a block has several, none longer than 64 units as long as
/// 1,024 pieces are enough for that, so that shorter ones beside them do not leave one block with much more than its
/// share.
int pieces_of_class(int k, int64_t heads, int blocks) {
  double units = k == 0 ? 1 : 0.75 * double(int64_t(1) << k), share = double(heads) * units / blocks;
  int most = static_cast<int>(std::min<double>(std::ceil(units), kMostPieces));
  double longest = double(int64_t(1) << k) / 64;
  double asked = std::max(std::clamp(share / 16, 1.0, 16.0) * blocks / double(heads), longest);
  int least = std::clamp(static_cast<int>(asked), 1, most), best = least;
  double best_cost = INFINITY;
  for (int pieces = least; pieces <= std::min(3 * least, most); ++pieces) {
    double turns = std::ceil(double(heads) * pieces / blocks), cost = turns * (units / pieces + 0.5);
    if (cost < best_cost) {
      best_cost = cost;
      best = pieces;
    }
  }
  return best;
}

bool is_aligned(const void *data, uintptr_t bytes) { return reinterpret_cast<uintptr_t>(data) % bytes == 0; }

PagedForm form_of(const PagedAttentionCall &call, bool fast) { return fast ? paged_tiles(call) : paged_plain(call); }

int64_t rounded_up(int64_t bytes) { return (bytes + 15) / 16 * 16; }

}  // namespace

cudaError_t plan_paged_attention(PagedAttentionCall &call, PagedAttentionPlan &plan) {
  DeviceLimits limits;
  if (cudaError_t error = DeviceLimits::find(limits); error != cudaSuccess) return error;
  plan.fast = call.half && call.head_width % 8 == 0 && is_aligned(call.keys, 16) && is_aligned(call.values, 16) &&
              is_aligned(call.query, 4) && paged_tiles(call).shared_bytes + 1024 <= limits.shared_bytes;
  int64_t heads = int64_t(call.sequences) * call.key_heads, units = (int64_t(call.limit) + kUnit - 1) / kUnit;
  int most = limits.multiprocessors * form_of(call, plan.fast).blocks_together;
  call.blocks = static_cast<int>(std::clamp<int64_t>(heads * units, 1, most));
  call.most_pieces = 1;
  for (int k = 0; k < kClasses; ++k) {
    call.pieces[k] = pieces_of_class(k, heads, most);
    bool occurs = k == 0 || (int64_t(1) << (k - 1)) < units;
    if (occurs) call.most_pieces = std::max(call.most_pieces, call.pieces[k]);
  }
  int64_t rows = heads * call.most_pieces * call.group;
  plan.workspace_bytes = rounded_up(call.blocks * sizeof(int4)) + rounded_up(rows * sizeof(float2)) +
                         rounded_up(rows * call.head_width * sizeof(float));
  return cudaSuccess;
}

void place_workspace(PagedAttentionCall &call, void *workspace) {
  char *at = static_cast<char *>(workspace);
  call.spans = reinterpret_cast<int4 *>(at);
  at += rounded_up(call.blocks * sizeof(int4));
  call.measures = reinterpret_cast<float2 *>(at);
  at += rounded_up(int64_t(call.sequences) * call.key_heads * call.most_pieces * call.group * sizeof(float2));
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
  auto join = call.half ? join_pieces_kernel<Half> : join_pieces_kernel<float>;
  return launch_dependent(limits, join, dim3(call.blocks, call.group), kJoiningThreads, 0, 1, call.stream, call);
}

}  // namespace jet::cuda
