// LinearOperands.cuh: what a decode step's product brings to shared memory: its weight item by item, its input once.
#pragma once

#include "LinearPlan.cuh"
#include "Mma.cuh"

namespace jet::cuda {

/// Asks for 16 bytes of device memory, or for zeros.
__device__ inline void copy_16(uint32_t to, const void *from, bool is_there) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(is_there ? 16 : 0)
               : "memory");
}

/// Ends a group of copies of this thread.
__device__ inline void end_group() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits for all groups of this thread but the last `kLater`.
template <int kLater>
__device__ inline void await_groups() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kLater) : "memory");
}

__device__ inline uint32_t shared_address(const void *p) { return static_cast<uint32_t>(__cvta_generic_to_shared(p)); }

__device__ inline float silu(float x) { return x / (1.0f + __expf(-x)); }

/// Where the parts of shared memory begin.
struct Shared {
  unsigned char *ring;
  float *sums;  // of squares, then of the warps' products
  Half *x;
  Half *norm;

  __device__ Shared(unsigned char *base, const LinearStepCall &call, const LinearPlan &plan)
      : ring(base),
        sums(reinterpret_cast<float *>(base + plan.items * kWarps * kItemBytes)),
        x(reinterpret_cast<Half *>(sums + plan.sums)),
        norm(x + call.rows * plan.row_stride) {}
};

/// Brings a warp's part of the weight into its slots, item after item: the columns of a tile, then the next tile.
struct Fetch {
  const Half *weight;
  int64_t in;
  int out;
  bool gates;
  const Share &share;
  uint32_t slots;  // this lane's 16 bytes of the first slot
  int first_piece;
  int end_piece;
  int step;  // tiles from one of this warp to the next
  int tile;
  int piece;
  const Half *upper = nullptr;
  const Half *lower = nullptr;
  bool has_upper = false;
  bool has_lower = false;

  /// The rows of the weight that this lane reads of the present tile: row g and row g + 8.
  __device__ void aim() {
    const int lane = threadIdx.x & 31;
    const int end = share.begin(tile + 1);
    const int feature = share.begin(tile) + (lane >> 2);
    const int64_t other = gates ? int64_t(out) + feature : int64_t(feature) + 8;
    has_upper = feature < end;
    has_lower = gates ? has_upper : other < end;
    const int column = first_piece * kColumns + 8 * (lane & 3);
    upper = weight + (has_upper ? feature * in : 0) + column;
    lower = weight + (has_lower ? other * in : 0) + column;
  }

  /// Whether all items were asked for.
  __device__ bool is_done() const { return tile >= share.tiles; }

  /// Asks for the next item, if there is one, to lie `slot` bytes on. Ends a group in any case.
  __device__ void next(int slot) {
    if (!is_done()) {
      const bool inside = piece * kColumns + 8 * static_cast<int>(threadIdx.x & 3) < in;
      copy_16(slots + slot, upper, has_upper && inside);
      copy_16(slots + slot + kItemBytes / 2, lower, has_lower && inside);
      upper += kColumns;
      lower += kColumns;
      if (++piece == end_piece) {
        piece = first_piece;
        tile += step;
        if (tile < share.tiles) aim();
      }
    }
    end_group();
  }
};

/// Eight numbers as they lie in memory.
struct Eight {
  uint4 bits;

  __device__ float2 pair(int i) const {
    uint32_t word = i == 0 ? bits.x : i == 1 ? bits.y : i == 2 ? bits.z : bits.w;
    return make_float2(__uint_as_float(word << 16), __uint_as_float(word & 0xffff0000u));
  }

  __device__ void set_pair(int i, float low, float high) {
    uint32_t word = packed(low, high);
    if (i == 0) bits.x = word;
    else if (i == 1) bits.y = word;
    else if (i == 2) bits.z = word;
    else bits.w = word;
  }
};

/// Brings x to shared memory as it is, with zeros up to a multiple of 32 columns. Of a row, a thread has every 256th
/// vector of eight numbers, here and in `prepare_inputs`. Not through the first cache, which is not told what an
/// earlier kernel writes while this one runs.
__device__ inline void copy_inputs(const LinearStepCall &call, const LinearPlan &plan, Half *to) {
  constexpr int kTogether = 5;  // vectors of which a thread reads the last before it uses the first
  const int own = threadIdx.x;
  const int vectors = call.in / 8;
  const int padded = plan.pieces * (kColumns / 8);
  if (own >= padded) return;
  const Half *from = static_cast<const Half *>(call.x.data);
  int n = 0;
  int v = own;
  while (n < call.rows) {
    uint4 bits[kTogether];
    uint4 *places[kTogether];
    int count = 0;
#pragma unroll
    for (int i = 0; i < kTogether; ++i) {
      if (n == call.rows) break;
      places[i] = reinterpret_cast<uint4 *>(to) + v;
      bits[i] = v < vectors ? __ldcg(reinterpret_cast<const uint4 *>(from) + v) : make_uint4(0, 0, 0, 0);
      ++count;
      v += kThreads;
      if (v < padded) continue;
      v = own;
      ++n;
      from += call.x.stride;
      to += plan.row_stride;
    }
#pragma unroll
    for (int i = 0; i < kTogether; ++i) {
      if (i == count) break;
      *places[i] = bits[i];
    }
  }
}

/// Norm and activation of x in shared memory. The order of a row's sum of squares is the same whatever the other rows
/// are; up to a width of 2048 a thread has one vector of a row at most.
template <int kItems>
__device__ inline void prepare_inputs(const LinearStepCall &call, const LinearPlan &plan, const Shared &shared) {
  const int vectors = call.in / 8;
  auto place = [&](int n, int v) { return reinterpret_cast<uint4 *>(shared.x + n * plan.row_stride) + v; };
  if (call.norm) {
    constexpr int kTogether = 4;  // rows whose lanes' sums are added at the same time
    for (int first = 0; first < call.rows; first += kTogether) {
      float sums[kTogether] = {};
#pragma unroll
      for (int n = 0; n < kTogether; ++n) {
        if (first + n >= call.rows) break;
#pragma unroll 1
        for (int v = threadIdx.x; v < vectors; v += kThreads) {
          const Eight numbers{*place(first + n, v)};
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            const float2 pair = numbers.pair(i);
            sums[n] = fmaf(pair.x, pair.x, sums[n]);
            sums[n] = fmaf(pair.y, pair.y, sums[n]);
          }
        }
      }
#pragma unroll
      for (int distance = 16; distance > 0; distance /= 2) {
#pragma unroll
        for (int n = 0; n < kTogether; ++n) sums[n] += __shfl_xor_sync(0xffffffffu, sums[n], distance);
      }
      if (threadIdx.x % 32 != 0) continue;
#pragma unroll
      for (int n = 0; n < kTogether; ++n) {
        if (first + n < call.rows) shared.sums[(first + n) * kWarps + threadIdx.x / 32] = sums[n];
      }
    }
    await_groups<kItems>();  // the norm's weight
    __syncthreads();
  }
  for (int n = 0; n < call.rows; ++n) {
    float scale = 1.0f;
    if (call.norm) {
      float sum = 0.0f;
#pragma unroll
      for (int warp = 0; warp < kWarps; ++warp) sum += shared.sums[n * kWarps + warp];
      scale = rsqrtf(sum / call.in + call.eps);
    }
#pragma unroll 1
    for (int v = threadIdx.x; v < vectors; v += kThreads) {
      Eight numbers{*place(n, v)};
      if (call.norm) {
        const Eight weights{reinterpret_cast<const uint4 *>(shared.norm)[v]};
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float2 pair = numbers.pair(i);
          const float2 weight = weights.pair(i);
          numbers.set_pair(i, pair.x * scale * weight.x, pair.y * scale * weight.y);
        }
      }
      if (call.activates_input) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float2 pair = numbers.pair(i);
          numbers.set_pair(i, silu(pair.x), silu(pair.y));
        }
      }
      *place(n, v) = numbers.bits;
    }
  }
}

}  // namespace jet::cuda
