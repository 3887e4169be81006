// Sampling.cu: a cluster of eight blocks has a row in its shared memory; nothing is sorted.
//
// A logit's key is its bits made to rise with it. What top-k and top-p keep is all keys above a threshold and some of
// those that equal it; the threshold is found four bits at a time, from sums over the sixteen values of the next bits.
// Each thread has sums of its own for them, and all sums are added in one order, so the same call gives the same id.

#include "Sampling.h"

#include <algorithm>

#include "Cluster.cuh"
#include "DependentLaunch.cuh"

namespace jet::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / 32;
constexpr int kDigits = 16;
static_assert(kDigits == kWarps);  // a warp adds up a digit

__device__ uint64_t bits_of(double x) { return static_cast<uint64_t>(__double_as_longlong(x)); }
__device__ double double_of(uint64_t bits) { return __longlong_as_double(static_cast<long long>(bits)); }

__device__ double warp_sum(double x) {
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) x += __shfl_xor_sync(~0u, x, apart);
  return x;
}

__device__ uint64_t warp_greatest(uint64_t x) {
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) {
    uint64_t other = __shfl_xor_sync(~0u, x, apart);
    x = other > x ? other : x;
  }
  return x;
}

/// Rises with x; equal for both zeros.
__device__ uint32_t key_of(float x) {
  uint32_t bits = __float_as_uint(__fadd_rn(x, 0.0f));
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ float logit_of(uint32_t key) { return __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key); }

__device__ uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

__device__ double unit(int64_t seed, int position) {
  constexpr uint64_t kGamma = 0x9e3779b97f4a7c15u;
  uint64_t after = static_cast<uint64_t>(static_cast<int64_t>(position)) + 1;
  uint64_t bits = mix(mix(static_cast<uint64_t>(seed) + kGamma) + kGamma * after);
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

/// Which logits stay: keys above `key`, and of those that equal it the `equal` first by id.
struct Threshold {
  uint32_t key = 0;
  int64_t equal = 0;
};

struct Row {
  const float *own;  // the block's logits, in shared memory where they fit
  int first;         // their first id
  int count;
  int warp_first, warp_end;  // those of the warp, in `own`
  float most;
  float inverse;  // of the temperature

  __device__ float distance(float x) const { return (most - x) * inverse; }
  __device__ float weight(float x) const { return expf(-distance(x)); }
};

__shared__ Exchange<kWarps> exchange;

using Told = const uint64_t (*)[kWarps];

/// The sum over all warps of all blocks, in one order.
__device__ double total_of(Told values) {
  double own = 0;
  for (int w = threadIdx.x & 31; w < cluster_size() * kWarps; w += 32) own += double_of(values[w / kWarps][w % kWarps]);
  return warp_sum(own);
}

/// The warp, of all blocks, at `u` of the sum over all; `start` is the sum over those before it.
///
/// Where rounding lets no sum exceed the target it is the last warp with a weight.
__device__ int warp_of(Told values, double u, double &start) {
  int lane = threadIdx.x & 31, warps = cluster_size() * kWarps, each = (warps + 31) / 32;
  int from = min(lane * each, warps), to = min(from + each, warps);
  double target = u * total_of(values), own = 0;
  for (int w = from; w < to; ++w) own += double_of(values[w / kWarps][w % kWarps]);
  double reached = own;
#pragma unroll
  for (int apart = 1; apart < 32; apart *= 2) {
    double other = __shfl_up_sync(~0u, reached, apart);
    if (lane >= apart) reached += other;
  }
  reached = __shfl_up_sync(~0u, reached, 1);
  if (lane == 0) reached = 0;
  int last = -1, found = -1;
  double before = reached;
  for (int w = from; w < to && found < 0; ++w) {
    double here = double_of(values[w / kWarps][w % kWarps]);
    if (!(here > 0)) continue;
    last = w;
    before = reached;
    reached += here;
    if (reached > target) found = w;
  }
  uint32_t beyond = __ballot_sync(~0u, found >= 0), present = __ballot_sync(~0u, last >= 0);
  int source = beyond ? __ffs(beyond) - 1 : 31 - __clz(present);
  start = __shfl_sync(~0u, before, source);
  return __shfl_sync(~0u, last, source);
}

/// The threshold at which the measures, from the greatest key down, reach `target`; `above` is the sum over the keys above
/// it. Where they never do, it is the least key with a measure.
template <typename Measure>
__device__ uint32_t search(const Row &row, double target, float *digits, int &turn, double &above, Measure measure) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  uint32_t prefix = 0;
  above = 0;
  for (int shift = 28; shift >= 0; shift -= 4) {
#pragma unroll
    for (int digit = 0; digit < kDigits; ++digit) digits[digit * kThreads + threadIdx.x] = 0;
    for (int i = row.warp_first + lane; i < row.warp_end; i += 32) {
      float x = row.own[i];
      uint32_t key = key_of(x);
      if (shift < 28 && key >> (shift + 4) != prefix) continue;
      digits[((key >> shift) & 15) * kThreads + threadIdx.x] += measure(x, key);
    }
    __syncthreads();
    double sum = 0;
#pragma unroll
    for (int i = 0; i < kThreads; i += 32) sum += digits[warp * kThreads + i + lane];
    auto values = exchange.tell(bits_of(warp_sum(sum)), turn);
    // Lane l has digit l mod 16, and the sum of all from the greatest digit down to its own.
    int digit = lane & 15;
    double here = 0;
    for (int rank = 0; rank < cluster_size(); ++rank) here += double_of(values[rank][digit]);
    double reached = here;
#pragma unroll
    for (int apart = 1; apart < kDigits; apart *= 2) {
      double other = __shfl_down_sync(~0u, reached, apart, kDigits);
      if (digit + apart < kDigits) reached += other;
    }
    double before = __shfl_down_sync(~0u, reached, 1, kDigits);
    if (digit == kDigits - 1) before = 0;
    uint32_t enough = __ballot_sync(~0u, here > 0 && above + reached >= target) & 0xffff;
    uint32_t present = __ballot_sync(~0u, here > 0) & 0xffff;
    int chosen = enough ? 31 - __clz(enough) : present ? __ffs(present) - 1 : 0;
    above += __shfl_sync(~0u, before, chosen);
    prefix = prefix << 4 | chosen;
  }
  return prefix;
}

/// Whether a lane's logit stays; called by the whole warp, in the order of ids. `seen` counts the equal ones before.
__device__ bool stays(const Row &row, const Threshold &threshold, float farthest, bool within, float x, int64_t &seen) {
  uint32_t key = within ? key_of(x) : 0;
  bool equals = within && key == threshold.key;
  uint32_t equal = __ballot_sync(~0u, equals);
  int64_t place = seen + __popc(equal & ((1u << (threadIdx.x & 31)) - 1));
  seen += __popc(equal);
  return within && (key > threshold.key || (equals && place < threshold.equal)) && row.distance(x) <= farthest;
}

/// How many logits that equal the threshold come before those of the warp.
__device__ int64_t equal_before(const Row &row, const Threshold &threshold, int &turn) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int count = 0;
  for (int i = row.warp_first + lane; i < row.warp_end; i += 32) count += key_of(row.own[i]) == threshold.key;
  count = __reduce_add_sync(~0u, count);
  auto values = exchange.tell(static_cast<uint64_t>(count), turn);
  int64_t before = 0;
  for (int w = 0; w < cluster_rank() * kWarps + warp; ++w) before += static_cast<int64_t>(values[w / kWarps][w % kWarps]);
  return before;
}

/// The id at `u` of the sum of all weights that stay; one lane of the cluster writes it.
__device__ void draw(const Row &row, const Threshold &threshold, float farthest, double u, int64_t *id, int &turn) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int64_t before = threshold.equal > 0 ? equal_before(row, threshold, turn) : 0;
  auto weight_at = [&](int base, int64_t &seen) {
    int i = base + lane;
    bool within = i < row.warp_end;
    float x = within ? row.own[i] : 0.0f;
    return stays(row, threshold, farthest, within, x, seen) ? row.weight(x) : 0.0f;
  };
  double own = 0;
  int64_t seen = before;
  for (int base = row.warp_first; base < row.warp_end; base += 32) own += weight_at(base, seen);
  auto values = exchange.tell(bits_of(warp_sum(own)), turn);
  double start;
  int chosen = warp_of(values, u, start);
  double target = u * total_of(values);
  if (chosen != cluster_rank() * kWarps + warp) return;
  int last = -1;
  seen = before;
  for (int base = row.warp_first; base < row.warp_end; base += 32) {
    float weight = weight_at(base, seen);
    double sum = weight;  // with those of the lanes before
#pragma unroll
    for (int apart = 1; apart < 32; apart *= 2) {
      double other = __shfl_up_sync(~0u, sum, apart);
      if (lane >= apart) sum += other;
    }
    uint32_t positive = __ballot_sync(~0u, weight > 0);
    uint32_t beyond = __ballot_sync(~0u, weight > 0 && start + sum > target);
    if (positive) last = base + 31 - __clz(positive);
    if (beyond) {
      last = base + __ffs(beyond) - 1;
      break;
    }
    start += __shfl_sync(~0u, sum, 31);
  }
  if (lane == 0) *id = row.first + last;
}

/// Copies the block's logits into shared memory where they fit, and finds the greatest of the row with its lowest id, as
/// key · 2³² + (2³² − 1 − id); all ones for a row with NaN or +inf.
__device__ uint64_t read_row(const float *logits, float *kept, const Row &row, int &turn) {
  uint64_t best = 0;
  auto take = [&](float x, int i) {
    uint64_t rank = x < INFINITY ? uint64_t(key_of(x)) << 32 | (0xffffffffu - static_cast<uint32_t>(row.first + i)) : ~uint64_t(0);
    best = rank > best ? rank : best;
  };
  bool vectors = reinterpret_cast<uintptr_t>(logits) % 16 == 0;
  int whole = vectors ? row.count / 4 : 0;
#pragma unroll 4
  for (int v = threadIdx.x; v < whole; v += kThreads) {
    float4 x = reinterpret_cast<const float4 *>(logits)[v];
    if (kept) reinterpret_cast<float4 *>(kept)[v] = x;
    take(x.x, 4 * v);
    take(x.y, 4 * v + 1);
    take(x.z, 4 * v + 2);
    take(x.w, 4 * v + 3);
  }
#pragma unroll 4
  for (int i = 4 * whole + threadIdx.x; i < row.count; i += kThreads) {
    float x = logits[i];
    if (kept) kept[i] = x;
    take(x, i);
  }
  auto values = exchange.tell(warp_greatest(best), turn);
  for (int w = threadIdx.x & 31; w < cluster_size() * kWarps; w += 32) {
    uint64_t other = values[w / kWarps][w % kWarps];
    best = other > best ? other : best;
  }
  return warp_greatest(best);
}

/// - chunk: logits of a block, a multiple of 4.
/// - keeps: whether they fit into shared memory, behind the sums of the digits.
__global__ void __launch_bounds__(kThreads, 2) sample_step_kernel(SampleStepCall call, int chunk, bool keeps) {
  extern __shared__ __align__(16) float sampling_shared[];
  let_later_start();
  wait_for_earlier();
  int n = blockIdx.y, lane = threadIdx.x & 31, warp = threadIdx.x >> 5, turn = 0;
  float *digits = sampling_shared, *kept = keeps ? sampling_shared + kDigits * kThreads : nullptr;
  Row row;
  row.first = min(cluster_rank() * chunk, call.vocabulary);
  row.count = min(chunk, call.vocabulary - row.first);
  int segment = ((row.count + kWarps - 1) / kWarps + 31) / 32 * 32;
  row.warp_first = min(warp * segment, row.count);
  row.warp_end = min(row.warp_first + segment, row.count);
  const float *logits = call.logits + n * call.row_stride + row.first;
  row.own = keeps ? kept : logits;
  // No block may write into another's memory before that has begun.
  synchronize_cluster();

  uint64_t best = read_row(logits, kept, row, turn);
  float temperature = call.temperature[n];
  int64_t *id = call.ids + n;
  bool is_first = cluster_rank() == 0 && threadIdx.x == 0;
  row.most = logit_of(static_cast<uint32_t>(best >> 32));
  if (best == ~uint64_t(0) || row.most == -INFINITY || !(temperature >= 0)) {
    if (is_first) *id = -1;
    return;
  }
  if (temperature == 0) {
    if (is_first) *id = 0xffffffffu - static_cast<uint32_t>(best);
    return;
  }
  // A temperature so low that its inverse is no number leaves the greatest logits alone.
  row.inverse = fminf(1.0f / temperature, 1e30f);

  Threshold threshold;
  int top_k = call.top_k[n];
  float top_p = call.top_p[n], min_p = call.min_p[n];
  double above;
  if (top_k > 0 && top_k < call.vocabulary) {
    threshold.key = search(row, top_k, digits, turn, above,
                           [](float x, uint32_t) { return x > -INFINITY ? 1.0f : 0.0f; });
    threshold.equal = top_k - static_cast<int64_t>(above);
  }
  if (top_p < 1) {
    double own = 0;
    for (int i = row.warp_first + lane; i < row.warp_end; i += 32) {
      float x = row.own[i];
      if (key_of(x) > threshold.key) own += row.weight(x);
    }
    double total = total_of(exchange.tell(bits_of(warp_sum(own)), turn));
    int64_t most_equal = threshold.equal;
    if (most_equal > 0) total += static_cast<double>(most_equal) * row.weight(logit_of(threshold.key));
    uint32_t least = threshold.key;
    double target = static_cast<double>(top_p) * total;
    threshold.key = search(row, target, digits, turn, above,
                           [&](float x, uint32_t key) { return key >= least ? row.weight(x) : 0.0f; });
    double needed = ceil((target - above) / row.weight(logit_of(threshold.key)));
    // More equal ones than there are keep all of them.
    threshold.equal = static_cast<int64_t>(fmin(fmax(needed, 1.0), 0x1p31));
    if (threshold.key == least && most_equal > 0 && threshold.equal > most_equal) threshold.equal = most_equal;
  }
  float farthest = min_p > 0 ? -logf(min_p) : INFINITY;
  draw(row, threshold, farthest, unit(call.seeds[n], call.positions[n]), id, turn);
}

}  // namespace

cudaError_t launch_sample_step(const SampleStepCall &call) {
  if (call.rows == 0) return cudaSuccess;
  DeviceLimits limits;
  if (cudaError_t error = DeviceLimits::find(limits); error != cudaSuccess) return error;
  int cluster = limits.is_hopper ? kMostOfCluster : 1;
  int chunk = ((call.vocabulary + cluster - 1) / cluster + 3) / 4 * 4;
  int64_t digit_bytes = kDigits * kThreads * sizeof(float);
  int64_t row_bytes = int64_t(chunk) * sizeof(float);
  // Four KB for the numbers that blocks tell each other.
  bool keeps = digit_bytes + row_bytes + 4096 <= limits.shared_bytes;
  int bytes = static_cast<int>(digit_bytes + (keeps ? row_bytes : 0));
  cudaError_t error = cudaFuncSetAttribute(sample_step_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error != cudaSuccess) return error;
  return launch_dependent(limits, sample_step_kernel, dim3(cluster, call.rows), kThreads, bytes, cluster, call.stream,
                          call, chunk, keeps);
}

}  // namespace jet::cuda
