// Sampling.cu: a cluster of eight blocks has a row in its shared memory; nothing is sorted.
//
// A logit's key is its bits made to rise with it. What top-k and top-p keep is all keys above a threshold and some of
// those that equal it. All sums are added in one order or are sums of whole numbers, so the same call gives the same
// id.

#include "Sampling.h"

#include <algorithm>

#include "DependentLaunch.cuh"
#include "SampleSearch.cuh"

namespace jet::cuda {
namespace {

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

/// Which logits stay: those above `logit`, and of those that equal it the `equal` first by id.
struct Threshold {
  float logit = -INFINITY;
  int64_t equal = 0;
  int64_t present = 0;  // of the row that equal it

  __device__ bool is_cut() const { return equal < present; }
  __device__ bool keeps(float x) const { return is_cut() ? x > logit : x >= logit; }
};

__shared__ Exchange<kSampleWarps> exchange;
__shared__ uint32_t listed;

/// The warp, of all blocks, at `u` of the sum over all; `start` is the sum over those before it.
///
/// Where rounding lets no sum exceed the target it is the last warp with a weight.
__device__ int warp_of(Told values, double u, double &start) {
  int lane = threadIdx.x & 31, warps = cluster_size() * kSampleWarps, each = (warps + 31) / 32;
  int from = min(lane * each, warps), to = min(from + each, warps);
  double target = u * total_of(values), own = 0;
  for (int w = from; w < to; ++w) own += double_of(values[w / kSampleWarps][w % kSampleWarps]);
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
    double here = double_of(values[w / kSampleWarps][w % kSampleWarps]);
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

/// How many logits that equal the threshold come before those of the warp.
__device__ int64_t equal_before(const Row &row, const Threshold &threshold, int &turn) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int count = 0;
  for (int base = row.warp_first; base < row.warp_end; base += kSampleStep) {
    float x[4];
    row.load(base + 4 * lane, x);
#pragma unroll
    for (int j = 0; j < 4; ++j) count += x[j] == threshold.logit;
  }
  count = __reduce_add_sync(~0u, count);
  auto values = exchange.tell(static_cast<uint64_t>(count), turn);
  int64_t before = 0;
#pragma unroll 1
  for (int w = 0; w < cluster_rank() * kSampleWarps + warp; ++w)
    before += static_cast<int64_t>(values[w / kSampleWarps][w % kSampleWarps]);
  return before;
}

/// The weights of a lane's four logits from `base` on, 0 for those that go; called by the whole warp, in the order of
/// ids. `seen` counts the logits before that equal the threshold.
__device__ void load_weights(const Row &row, const Threshold &threshold, float farthest, int base, int64_t &seen,
                             float (&weights)[4]) {
  int lane = threadIdx.x & 31;
  float x[4];
  row.load(base + 4 * lane, x);
  bool stays[4];
#pragma unroll
  for (int j = 0; j < 4; ++j) stays[j] = threshold.keeps(x[j]);
  if (threshold.is_cut()) {
    int64_t place = seen;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      uint32_t equal = __ballot_sync(~0u, x[j] == threshold.logit);
      place += __popc(equal & ((1u << lane) - 1));
      seen += __popc(equal);
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (x[j] == threshold.logit) stays[j] = place++ < threshold.equal;
    }
  }
#pragma unroll
  for (int j = 0; j < 4; ++j) weights[j] = stays[j] && row.distance(x[j]) <= farthest ? row.weight(x[j]) : 0.0f;
}

/// The id at `u` of the sum of all weights that stay; one lane of the cluster writes it.
__device__ void draw(const Row &row, const Threshold &threshold, float farthest, double u, int64_t *id, int &turn) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int64_t before = threshold.is_cut() ? equal_before(row, threshold, turn) : 0;
  double own = 0;
  int64_t seen = before;
#pragma unroll 1
  for (int base = row.warp_first; base < row.warp_end; base += kSampleStep) {
    float weights[4];
    load_weights(row, threshold, farthest, base, seen, weights);
#pragma unroll
    for (int j = 0; j < 4; ++j) own += weights[j];
  }
  auto values = exchange.tell(bits_of(warp_sum(own)), turn);
  double start;
  int chosen = warp_of(values, u, start);
  double target = u * total_of(values);
  if (chosen != cluster_rank() * kSampleWarps + warp) return;
  int last = -1;
  seen = before;
  for (int base = row.warp_first; base < row.warp_end; base += kSampleStep) {
    float weights[4];
    load_weights(row, threshold, farthest, base, seen, weights);
    double four = 0;
#pragma unroll
    for (int j = 0; j < 4; ++j) four += weights[j];
    uint32_t positive = __ballot_sync(~0u, four > 0);
    if (!positive) continue;
    double sum = four;  // with those of the lanes before
#pragma unroll
    for (int apart = 1; apart < 32; apart *= 2) {
      double other = __shfl_up_sync(~0u, sum, apart);
      if (lane >= apart) sum += other;
    }
    double reached = __shfl_up_sync(~0u, sum, 1);
    reached = start + (lane == 0 ? 0 : reached);
    // In each lane the place of the first that exceeds the target, or the last with a weight.
    int place = 0;
    bool exceeds = false;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (exceeds || !(weights[j] > 0)) continue;
      place = j;
      reached += weights[j];
      exceeds = reached > target;
    }
    uint32_t beyond = __ballot_sync(~0u, exceeds);
    int source = beyond ? __ffs(beyond) - 1 : 31 - __clz(positive);
    last = base + 4 * source + __shfl_sync(~0u, place, source);
    if (beyond) break;
    start += __shfl_sync(~0u, sum, 31);
  }
  if (lane == 0) *id = row.first + last;
}

/// - chunk: logits of a block, a multiple of 4.
/// - keeps: whether they fit into shared memory, before what a search needs.
__global__ void __launch_bounds__(kSampleThreads, 2) sample_step_kernel(SampleStepCall call, int chunk, bool keeps) {
  let_later_start();
  wait_for_earlier();
  int n = blockIdx.y, warp = threadIdx.x >> 5, turn = 0;
  Row row;
  row.first = min(cluster_rank() * chunk, call.vocabulary);
  row.count = min(chunk, call.vocabulary - row.first);
  // The same in all blocks.
  row.segment = ((chunk + kSampleWarps - 1) / kSampleWarps + kSampleStep - 1) / kSampleStep * kSampleStep;
  row.warp_first = min(warp * row.segment, row.count);
  row.warp_end = min(row.warp_first + row.segment, row.count);
  row.logits = call.logits + n * call.row_stride + row.first;
  row.is_shared = keeps;
  // No block may write into another's memory before that has begun.
  synchronize_cluster();

  uint64_t best = read_row(row, exchange, turn);
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
  // A temperature so low that its inverse is no number leaves the greatest logits alone; one so high that it is 0 would
  // make numbers of what is excluded.
  row.scale = fminf(fmaxf(1.0f / temperature, 1e-37f), 1e30f) * 1.44269504088896f;

  Threshold threshold;
  Search search{row, exchange, turn, reinterpret_cast<uint32_t *>(sampling_shared + (keeps ? chunk : 0)), &listed};
  int top_k = call.top_k[n];
  float top_p = call.top_p[n], min_p = call.min_p[n];
  if (top_k > 0 && top_k < call.vocabulary) {
    Border border = search.find(Counts{static_cast<double>(top_k)});
    int64_t present = static_cast<int64_t>(border.here), wanted = top_k - static_cast<int64_t>(border.above);
    threshold = {border.logit, min(wanted, present), present};
  }
  if (top_p < 1) {
    Weights weights{threshold.logit, Weights::bits_for(row), top_p, 0};
    if (threshold.is_cut()) {
      int octave = Search::octave_of(Search::place_of(row.distance(threshold.logit)));
      weights.beyond = static_cast<double>(threshold.present - threshold.equal) *
                       weights(row, threshold.logit, octave) * weights.unit(octave);
    }
    Border border = search.find(weights);
    double present = rint(border.here / border.each);
    double most = border.logit == threshold.logit ? static_cast<double>(threshold.equal) : present;
    double needed = ceil((border.target - border.above) / border.each);
    threshold = {border.logit, static_cast<int64_t>(fmin(fmax(needed, 1.0), most)), static_cast<int64_t>(present)};
  }
  float farthest = min_p > 0 ? -log2f(min_p) : INFINITY;
  draw(row, threshold, farthest, unit(call.seeds[n], call.positions[n]), id, turn);
}

}  // namespace

cudaError_t launch_sample_step(const SampleStepCall &call) {
  if (call.rows == 0) return cudaSuccess;
  DeviceLimits limits;
  if (cudaError_t error = DeviceLimits::find(limits); error != cudaSuccess) return error;
  int cluster = limits.is_hopper ? kMostOfCluster : 1;
  int chunk = ((call.vocabulary + cluster - 1) / cluster + 3) / 4 * 4;
  int64_t row_bytes = int64_t(chunk) * sizeof(float);
  // Four KB for the numbers that blocks tell each other.
  bool keeps = kSearchBytes + row_bytes + 4096 <= limits.shared_bytes;
  int bytes = static_cast<int>(kSearchBytes + (keeps ? row_bytes : 0));
  cudaError_t error = cudaFuncSetAttribute(sample_step_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error != cudaSuccess) return error;
  return launch_dependent(limits, sample_step_kernel, dim3(cluster, call.rows), kSampleThreads, bytes, cluster,
                          call.stream, call, chunk, keeps);
}

}  // namespace jet::cuda
