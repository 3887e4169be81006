// SampleSearch.cuh: the logit of a row at which the measures of the logits, from the greatest down, reach a target.
//
// A measure is a whole number: one, or a weight in units that suit its distance from the greatest. Whole numbers have
// the same sum in any order, so that threads may add to one place and keep lists in any order, and the same row still
// gives the same threshold. First the measures are summed by distance in 128 classes; then the logits of the class in
// which the target is reached are listed, some hundreds as a rule, and their keys, bits that rise with the logit, are
// cut in sixteen until one is left.
#pragma once

#include "SampleRow.cuh"

namespace jet::cuda {

constexpr int kClasses = 128;
constexpr int kClassesOfWarp = kClasses / kSampleWarps;
/// A distance of 1 is four classes; the last has all that is beyond.
constexpr float kClassesOfUnit = 4.0f;
/// Places of a class, for threads that add at the same time.
constexpr int kColumns = 64;
/// Keys that a block can list, in the place of the sums by class.
constexpr int kListed = kClasses * kColumns;
constexpr int kSearchBytes = kListed * static_cast<int>(sizeof(uint32_t));

/// One for each logit but −inf; the distance is that of the logits themselves.
struct Counts {
  double wanted;

  __device__ float distance(const Row &row, float x) const { return row.most - x; }
  __device__ uint32_t operator()(const Row &, float x, int) const { return x > -INFINITY ? 1 : 0; }
  __device__ double unit(int) const { return 1; }
  __device__ double target(double) const { return wanted; }
};

/// The weights of logits from `least` on, in units of 2^−(bits + octave).
struct Weights {
  float least;
  int bits;
  double part;    // of the sum of all, that is wanted
  double beyond;  // what of the sum of all does not count

  __device__ float distance(const Row &row, float x) const { return row.distance(x); }
  __device__ uint32_t operator()(const Row &row, float x, int octave) const {
    float weight = exp2f(static_cast<float>(octave) - row.distance(x));
    return x >= least ? __float2uint_rn(weight * static_cast<float>(1 << bits)) : 0;
  }
  __device__ double unit(int octave) const { return double_of(static_cast<uint64_t>(1023 - bits - octave) << 52); }
  __device__ double target(double total) const { return part * (total - beyond); }

  /// As many bits as a place of a class has room for.
  __device__ static int bits_for(const Row &row) {
    return min(24, __clz(max(row.segment * kSampleWarps / kColumns, 1)));
  }
};

/// What was found, and sums of measures.
struct Border {
  float logit;
  double target;
  double above;  // of the logits above
  double here;   // of those that equal it
  double each;   // of one of these
};

/// A block's memory for it.
struct Search {
  const Row &row;
  Exchange<kSampleWarps> &exchange;
  int &turn;
  uint32_t *sums;    // shared, [kClasses][kColumns], class 0 the farthest; or the list
  uint32_t *listed;  // shared, how many there were to list
  Border border{};

  /// Of the sixteen sums that the warps of each block told, the one in which the target is reached from the last down;
  /// where it never is, the first that is not 0. Adds those after it to the sum above.
  __device__ int choose(Told values) {
    int lane = threadIdx.x & 31, digit = lane & 15;
    double own = 0;
#pragma unroll 1
    for (int rank = 0; rank < cluster_size(); ++rank) own += double_of(values[rank][digit]);
    double reached = own;
#pragma unroll
    for (int apart = 1; apart < 16; apart *= 2) {
      double other = __shfl_down_sync(~0u, reached, apart, 16);
      if (digit + apart < 16) reached += other;
    }
    double before = __shfl_down_sync(~0u, reached, 1, 16);
    if (digit == 15) before = 0;
    uint32_t enough = __ballot_sync(~0u, own > 0 && border.above + reached >= border.target) & 0xffff;
    uint32_t present = __ballot_sync(~0u, own > 0) & 0xffff;
    int chosen = enough ? 31 - __clz(enough) : present ? __ffs(present) - 1 : 0;
    border.above += __shfl_sync(~0u, before, chosen);
    border.here = __shfl_sync(~0u, own, chosen);
    return chosen;
  }

  __device__ static int place_of(float distance) {
    return kClasses - 1 - static_cast<int>(fminf(distance * kClassesOfUnit, kClasses - 1.0f));
  }
  __device__ static int octave_of(int place) { return (kClasses - 1 - place) / static_cast<int>(kClassesOfUnit); }

  /// The sum of a class of this block, in part.
  template <typename Measure>
  __device__ double lane_sum(int place, const Measure &measure) const {
    double own = 0;
#pragma unroll
    for (int column = 0; column < kColumns; column += 32) own += sums[place * kColumns + column + (threadIdx.x & 31)];
    return own * measure.unit(octave_of(place));
  }

  /// The class in which the target is reached.
  template <typename Measure>
  __device__ int find_class(const Measure &measure) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    for (int i = threadIdx.x; i < kListed / 4; i += kSampleThreads)
      reinterpret_cast<uint4 *>(sums)[i] = make_uint4(0, 0, 0, 0);
    if (threadIdx.x == 0) *listed = 0;
    __syncthreads();
    uint32_t *own = sums + threadIdx.x % kColumns;
#pragma unroll 1
    for (int base = row.warp_first; base < row.warp_end; base += kSampleStep) {
      float x[4];
      row.load(base + 4 * lane, x);
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        int place = place_of(measure.distance(row, x[j]));
        uint32_t amount = measure(row, x[j], octave_of(place));
        if (amount) atomicAdd(own + place * kColumns, amount);
      }
    }
    __syncthreads();
    double sum = 0;
#pragma unroll 2
    for (int i = 0; i < kClassesOfWarp; ++i) sum += lane_sum(warp * kClassesOfWarp + i, measure);
    auto values = exchange.tell(bits_of(warp_sum(sum)), turn);
    border.target = measure.target(total_of(values));
    int first = choose(values) * kClassesOfWarp;
    double one = warp < kClassesOfWarp ? lane_sum(first + warp, measure) : 0;
    return first + choose(exchange.tell(bits_of(warp_sum(one)), turn));
  }

  /// Lists the keys of a class that have a measure, as many as there is room for; the least and the greatest of the
  /// cluster.
  template <typename Measure>
  __device__ void list(int place, const Measure &measure, uint32_t &low, uint32_t &high) {
    int lane = threadIdx.x & 31, octave = octave_of(place);
    float nearest = (kClasses - 1 - place) / kClassesOfUnit;
    float end = place == 0 ? INFINITY : nearest + 1 / kClassesOfUnit;
    low = ~0u, high = 0;
#pragma unroll 1
    for (int base = row.warp_first; base < row.warp_end; base += kSampleStep) {
      float x[4];
      bool is_in[4], any = false;
      row.load(base + 4 * lane, x);
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        float distance = measure.distance(row, x[j]);
        is_in[j] = distance >= nearest && distance < end;
        any = any || is_in[j];
      }
      if (!__any_sync(~0u, any)) continue;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        bool counts = is_in[j] && measure(row, x[j], octave) > 0;
        uint32_t all = __ballot_sync(~0u, counts);
        if (!all) continue;
        uint32_t start = 0;
        if (lane == 0) start = atomicAdd(listed, static_cast<uint32_t>(__popc(all)));
        start = __shfl_sync(~0u, start, 0) + __popc(all & ((1u << lane) - 1));
        if (!counts) continue;
        uint32_t key = key_of(x[j]);
        low = min(low, key);
        high = max(high, key);
        if (start < kListed) sums[start] = key;
      }
    }
    low = ~greatest_half(~__reduce_min_sync(~0u, low));
    high = greatest_half(__reduce_max_sync(~0u, high));
  }

  __device__ uint32_t greatest_half(uint32_t x) { return static_cast<uint32_t>(greatest_of(exchange.tell(x, turn))); }

  /// Called by all threads of the cluster.
  template <typename Measure>
  __device__ Border find(const Measure &measure) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    border = {};
    int place = find_class(measure), octave = octave_of(place);
    uint32_t low, high;
    list(place, measure, low, high);
    int count = static_cast<int>(*listed);
    while (low < high) {
      int shift = max(0, 28 - __clz(high - low));
      uint64_t own = 0;
      auto add = [&](uint32_t key) {
        uint32_t beyond = key - low;
        if (beyond > high - low || static_cast<int>(beyond >> shift) != warp) return;
        own += measure(row, logit_of(key), octave);
      };
      if (count <= kListed) {
#pragma unroll 4
        for (int i = lane; i < count; i += 32) add(sums[i]);
      } else {
#pragma unroll 1
        for (int i = lane; i < row.count; i += 32) add(key_of(row.at(i)));
      }
      double sum = warp_sum(static_cast<double>(own) * measure.unit(octave));
      low += static_cast<uint32_t>(choose(exchange.tell(bits_of(sum), turn))) << shift;
      high = low + min(high - low, (1u << shift) - 1);
    }
    border.logit = logit_of(low);
    border.each = measure(row, border.logit, octave) * measure.unit(octave);
    // The next search begins a list; all have read how long this one is.
    __syncthreads();
    return border;
  }
};

}  // namespace jet::cuda
