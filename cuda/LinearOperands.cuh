// LinearOperands.cuh: what a decode step's product brings to shared memory: its weight item by item, its input once.
#pragma once

#include "Arrivals.cuh"
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

__device__ inline float silu(float x) { return x / (1.0f + __expf(-x)); }

/// Where the parts of shared memory begin.
struct Shared {
  uint64_t *place;  // at which x arrives where whole rows are brought; first, as its address then takes no register
  unsigned char *ring;
  float *sums;  // of squares, then of the warps' products
  Half *x;
  Half *norm;

  __device__ Shared(unsigned char *base, const LinearStepCall &call, const LinearPlan &plan)
      : place(reinterpret_cast<uint64_t *>(base)),
        ring(base + kPlaceBytes),
        sums(reinterpret_cast<float *>(ring + plan.items * kWarps * kItemBytes)),
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

/// A warp's part of x, in `copy_inputs` and `prepare_inputs`: kWays warps have a row, and share its vectors of eight
/// numbers. Of 32 vectors side by side one warp has all; those of the same remainder by eight are summed together, by
/// whichever warp, so that a row's sum of squares does not depend on how many rows there are.
template <int kWays>
struct RowPart {
  int n;     // the row; it may be none
  int part;  // of the warps of a row

  __device__ RowPart() : n(static_cast<int>(threadIdx.x) / (32 * kWays)), part(threadIdx.x / 32 % kWays) {}

  /// The lane's `i`-th vector.
  __device__ int vector(int i) const { return 32 * (part + kWays * i) + static_cast<int>(threadIdx.x & 31); }
};

/// Brings x to shared memory as it is, with zeros up to a multiple of 32 columns. Not through the first cache, which is
/// not told what an earlier kernel writes while this one runs.
template <int kWays>
__device__ inline void copy_inputs(const LinearStepCall &call, const LinearPlan &plan, Half *to) {
  const RowPart<kWays> own;
  if (own.n >= call.rows) return;
  const int vectors = call.in / 8;
  const int padded = plan.pieces * (kColumns / 8);
  const uint4 *from = reinterpret_cast<const uint4 *>(static_cast<const Half *>(call.x.data) + own.n * call.x.stride);
  uint4 *places = reinterpret_cast<uint4 *>(to + own.n * plan.row_stride);
  for (int first = 0; own.vector(first) < padded; first += kReadTogether) {
    uint4 bits[kReadTogether];
#pragma unroll
    for (int i = 0; i < kReadTogether; ++i) {
      const int v = own.vector(first + i);
      bits[i] = v < vectors ? __ldcg(from + v) : make_uint4(0, 0, 0, 0);
    }
#pragma unroll
    for (int i = 0; i < kReadTogether; ++i) {
      const int v = own.vector(first + i);
      if (v < padded) places[v] = bits[i];
    }
  }
}

#if __CUDA_ARCH__ >= 900

/// The same by one copy a row, which all are on their way together. They arrive at `place`, once a kernel.
__device__ inline void bring_inputs(const LinearStepCall &call, const LinearPlan &plan, Half *to, uint64_t *place) {
  const int bytes = call.in * 2;
  if (threadIdx.x < 32) {
    if (threadIdx.x == 0) expect_bytes(place, call.rows * bytes);
    __syncwarp();
    const int n = threadIdx.x;
    if (n < call.rows)
      bring_bytes(to + n * plan.row_stride, static_cast<const Half *>(call.x.data) + n * call.x.stride, bytes, place);
  }
  const int missing = plan.pieces * (kColumns / 8) - call.in / 8;  // vectors of a row, at most three
  for (int i = threadIdx.x; i < missing * call.rows; i += kThreads) {
    const int n = i / missing;
    reinterpret_cast<uint4 *>(to + n * plan.row_stride + call.in)[i - n * missing] = make_uint4(0, 0, 0, 0);
  }
  await_phase(place, 0);
}

#endif

/// Norm and activation of x in shared memory, of which each lane sees its own vectors.
template <int kItems, int kWays>
__device__ inline void prepare_inputs(const LinearStepCall &call, const LinearPlan &plan, const Shared &shared) {
  const RowPart<kWays> own;
  const bool has_row = own.n < call.rows;
  const int vectors = call.in / 8;
  uint4 *places = reinterpret_cast<uint4 *>(shared.x + own.n * plan.row_stride);
  float scale = 1.0f;
  if (call.norm) {
    if (has_row) {
      float sums[kWarps / kWays];
#pragma unroll
      for (int i = 0; i < kWarps / kWays; ++i) {
        sums[i] = 0.0f;
#pragma unroll 1
        for (int v = own.vector(i); v < vectors; v += 32 * kWarps) {
          const Eight numbers{places[v]};
#pragma unroll
          for (int j = 0; j < 4; ++j) {
            const float2 pair = numbers.pair(j);
            sums[i] = fmaf(pair.x, pair.x, sums[i]);
            sums[i] = fmaf(pair.y, pair.y, sums[i]);
          }
        }
      }
#pragma unroll
      for (int distance = 16; distance > 0; distance /= 2) {
#pragma unroll
        for (int i = 0; i < kWarps / kWays; ++i) sums[i] += __shfl_xor_sync(0xffffffffu, sums[i], distance);
      }
#pragma unroll
      for (int i = 0; i < kWarps / kWays; ++i)
        if (threadIdx.x % 32 == 0) shared.sums[own.n * kWarps + own.part + kWays * i] = sums[i];
    }
    await_groups<kItems>();  // the norm's weight
    __syncthreads();
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < kWarps; ++i) sum += shared.sums[min(own.n, call.rows - 1) * kWarps + i];
    scale = rsqrtf(sum / call.in + call.eps);
  }
  if (!has_row) return;
#pragma unroll 1
  for (int v = own.vector(0); v < vectors; v += 32 * kWays) {
    Eight numbers{places[v]};
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
    places[v] = numbers.bits;
  }
}

}  // namespace jet::cuda
