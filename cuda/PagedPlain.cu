// PagedPlain.cu: paged attention without tensor cores, for float32 and for heads of any width.
//
// Pieces, warps and tiles are those of PagedTiles.cu; keys and values are read where they lie, once for each query head
// but then out of the caches.

#include "PagedForms.cuh"

#include "DependentLaunch.cuh"
#include "Mma.cuh"

namespace jet::cuda {
namespace {

constexpr int kTile = 16;

/// A warp's running softmax of all query heads of a key head, in shared memory.
struct PlainSums {
  float *sums;     // [H / G, D]
  float *most;     // [H / G]
  float *total;    // [H / G]
  float *weights;  // [16], of a tile

  static __host__ __device__ int floats(const PagedAttentionCall &call) {
    return call.group * (call.head_width + 2) + kTile;
  }

  __device__ PlainSums(const PagedAttentionCall &call, float *memory)
      : sums(memory),
        most(memory + call.group * call.head_width),
        total(most + call.group),
        weights(total + call.group) {}

  __device__ void clear(const PagedAttentionCall &call) {
    int lane = threadIdx.x & 31;
    for (int i = lane; i < call.group * call.head_width; i += 32) sums[i] = 0;
    if (lane < call.group) {
      most[lane] = -INFINITY;
      total[lane] = 0;
    }
    __syncwarp();
  }
};

/// Attends to the tile of tokens from `token` on; two lanes have a token's score.
template <typename T>
__device__ void attend(const PagedAttentionCall &call, const PagedWalk &walk, int token, const PlainSums &sums) {
  int lane = threadIdx.x & 31, width = call.head_width;
  int i = token + (lane >> 1);
  int row = i < walk.end ? row_of(call, walk.n, walk.g, i) : -1;
  const T *keys = static_cast<const T *>(call.keys) + int64_t(max(row, 0)) * width;
  const T *values = static_cast<const T *>(call.values);
  const T *queries =
      static_cast<const T *>(call.query) + (int64_t(walk.n) * call.key_heads + walk.g) * call.group * width;
  float scale = call.scale * 1.44269504088896f;
  for (int head = 0; head < call.group; ++head) {
    float product = 0;
    if (row >= 0)
      for (int d = lane & 1; d < width; d += 2) product += number(queries[int64_t(head) * width + d]) * number(keys[d]);
    product += __shfl_xor_sync(~0u, product, 1);
    float score = row >= 0 ? product * scale : -INFINITY, most = score;
#pragma unroll
    for (int apart = 2; apart < 32; apart *= 2) most = fmaxf(most, __shfl_xor_sync(~0u, most, apart));
    float before = sums.most[head];
    most = fmaxf(most, before);
    float kept = decayed(before, most), weight = decayed(score, most), total = weight;
#pragma unroll
    for (int apart = 2; apart < 32; apart *= 2) total += __shfl_xor_sync(~0u, total, apart);
    if ((lane & 1) == 0) sums.weights[lane >> 1] = weight;
    __syncwarp();
    if (lane == 0) {
      sums.most[head] = most;
      sums.total[head] = sums.total[head] * kept + total;
    }
    for (int base = 0; base < width; base += 32) {
      int d = base + lane;
      float sum = d < width ? sums.sums[head * width + d] * kept : 0;
      for (int t = 0; t < kTile; ++t) {
        int source = __shfl_sync(~0u, row, 2 * t);
        if (source >= 0 && d < width) sum += sums.weights[t] * number(values[int64_t(source) * width + d]);
      }
      if (d < width) sums.sums[head * width + d] = sum;
    }
    __syncwarp();
  }
}

/// What the four warps and the pieces before have of number i of head `head`.
struct PlainJoined {
  float most, total, sum;

  __device__ PlainJoined(const PagedAttentionCall &call, float *memory, int head, int i)
      : most(-INFINITY), total(0), sum(0) {
    for (int w = 0; w < kWarps; ++w) {
      PlainSums theirs(call, memory + w * PlainSums::floats(call));
      join(theirs.most[head], theirs.total[head], theirs.sums[i]);
    }
  }

  __device__ void join(float other_most, float other_total, float other_sum) {
    float both = fmaxf(most, other_most), own = decayed(most, both), other = decayed(other_most, both);
    most = both;
    total = joined(total, own, other_total, other);
    sum = joined(sum, own, other_sum, other);
  }
};

template <typename T>
__global__ void __launch_bounds__(kThreads, 4) paged_plain_kernel(PagedAttentionCall call) {
  extern __shared__ float plain_shared[];
  __shared__ float2 measures[kMostGroup];
  let_later_start();
  wait_for_earlier();
  PagedWalk walk;
  if (!find_start(call, walk)) {
    if (threadIdx.x == 0) call.spans[blockIdx.x].x = -1;
    return;
  }
  int warp = threadIdx.x >> 5, floats = PlainSums::floats(call), width = call.head_width;
  PlainSums own(call, plain_shared + warp * floats), kept(call, plain_shared + kWarps * floats);
  PagedJoin join(walk);
  while (true) {
    own.clear(call);
    for (int token = walk.first + kTile * warp; token < walk.end; token += kTile * kWarps)
      attend<T>(call, walk, token, own);
    __syncthreads();
    join.look_ahead(call, walk);
    int64_t first = (join.is_whole ? walk.head(call) : walk.slot(call)) * call.group;
    for (int i = threadIdx.x; i < call.group * width; i += kThreads) {
      int head = i / width;
      PlainJoined all(call, plain_shared, head, i);
      if (join.has_earlier) all.join(kept.most[head], kept.total[head], kept.sums[i]);
      if (join.goes_on) kept.sums[i] = all.sum;
      else if (join.is_whole)
        static_cast<T *>(call.out)[first * width + i] = rounded<T>(__fmul_rn(all.sum, inverse_of(all.total)));
      else call.partials[first * width + i] = all.sum;
      if (i % width == 0) measures[head] = make_float2(all.most, all.total);
    }
    // All have read the measures that were kept.
    __syncthreads();
    if (threadIdx.x < call.group) {
      float2 measure = measures[threadIdx.x];
      kept.most[threadIdx.x] = measure.x;
      kept.total[threadIdx.x] = measure.y;
      if (!join.is_whole && !join.goes_on) call.measures[first + threadIdx.x] = measure;
    }
    if (!join.proceed(call, walk)) break;
  }
}

}  // namespace

PagedForm paged_plain(const PagedAttentionCall &call) {
  int bytes = (kWarps + 1) * PlainSums::floats(call) * static_cast<int>(sizeof(float));
  return {call.half ? paged_plain_kernel<Half> : paged_plain_kernel<float>, bytes, bytes <= 48 * 1024 ? 4 : 2};
}

}  // namespace jet::cuda
