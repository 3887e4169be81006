// LinearStep.cu: a decode step's matrix product for few rows, bound by the rate at which memory gives the weight.
//
// Each block takes an equal share of the result's features, in tiles of 16 rows of the weight (8 of the gate and the 8
// that they gate). The warps of a block share the columns of a tile, and tiles where columns are few. A warp multiplies
// 16 rows × 32 columns at a time on the tensor cores, the weight as the left factor and up to eight rows of x as the
// right one, so that one row costs as much as eight. As the order of a sum is free, a lane takes for its columns of two
// products eight neighbours, 16 bytes of each of two rows of the weight, which it copies for itself through shared memory
// several items ahead: nobody waits for anyone until the sums of the warps are added, in a fixed order.
#include <cuda_runtime.h>

#include <algorithm>

#include "DependentLaunch.cuh"
#include "LinearStep.h"
#include "Mma.cuh"

namespace jet::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kThreads = 32 * kWarps;
/// Rows of the weight that are multiplied together, and columns.
constexpr int kTileRows = 16;
constexpr int kColumns = 32;
constexpr int kItemBytes = kTileRows * kColumns * 2;
/// Items, of 1 KB, that a warp has on their way: many where a block that waits for its input has room beside the one
/// before it, as they are all that memory has to do meanwhile.
constexpr int kFewItems = 8;
constexpr int kManyItems = 12;
/// The most rows that are taken: with 16, libtorch's products are faster for nearly all shapes (docs/LOG.md).
constexpr int kMostRows = 8;
/// Sums of warps that wait to be added, at most.
constexpr int kMostSums = 4096;

/// How a call is shared out.
struct Plan {
  int blocks;      // of the grid
  int share;       // features of a block
  int larger;      // blocks, the first ones, that have one more
  int tile_bits;   // a tile has at most 2^tile_bits features
  int pieces;      // of 32 columns
  int along;       // warps that share the columns of a tile, a power of 2
  int together;    // tiles whose sums are added together
  int sums;        // of all warps for these
  int row_stride;  // of x in shared memory, in elements: an odd number of 64 bytes, so that rows lie in other banks
  int items;       // that a warp has on their way
  int bytes;       // of shared memory

  Plan(const LinearStepCall &call, const DeviceLimits &limits) {
    blocks = std::min(call.out, limits.multiprocessors);
    share = call.out / blocks;
    larger = call.out % blocks;
    tile_bits = call.gates_output ? 3 : 4;
    pieces = (call.in + kColumns - 1) / kColumns;
    int tiles = tiles_of(share + (larger > 0 ? 1 : 0));
    along = 1;
    int64_t least = 0;
    for (int ways = 1; ways <= kWarps && ways <= pieces; ways *= 2) {
      int groups = kWarps / ways;
      int64_t items = int64_t((pieces + ways - 1) / ways) * ((tiles + groups - 1) / groups);
      if (ways > 1 && items > least) continue;
      along = ways;
      least = items;
    }
    int groups = kWarps / along;
    int sums_of_round = kWarps * call.rows * kTileRows;
    int rounds = std::min(kMostSums / sums_of_round, (tiles + groups - 1) / groups);
    together = rounds * groups;
    sums = rounds * sums_of_round;
    row_stride = (pieces | 1) * kColumns;
    int64_t others = 4 * sums + 2 * int64_t(row_stride) * (call.rows + (call.norm ? 1 : 0));
    auto needed = [&](int items) { return int64_t(items) * kWarps * kItemBytes + others; };
    // Half a multiprocessor's memory and 2 KB: of two products that follow each other in a layer, the other leaves these.
    int64_t room = limits.multiprocessor_shared_bytes / 2 + 2048 - kReservedSharedBytes;
    items = needed(kManyItems) <= room ? kManyItems : kFewItems;
    bytes = static_cast<int>(std::min<int64_t>(needed(items), INT32_MAX));
  }

  __host__ __device__ int tiles_of(int features) const { return (features + (1 << tile_bits) - 1) >> tile_bits; }
};

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

/// Where the parts of shared memory begin.
struct Shared {
  unsigned char *ring;
  float *sums;  // of squares, then of the warps' products
  Half *x;
  Half *norm;

  __device__ Shared(unsigned char *base, const LinearStepCall &call, const Plan &plan)
      : ring(base),
        sums(reinterpret_cast<float *>(base + plan.items * kWarps * kItemBytes)),
        x(reinterpret_cast<Half *>(sums + plan.sums)),
        norm(x + call.rows * plan.row_stride) {}
};

/// The features of a block, tile by tile; one division, while the input is not there yet.
struct Share {
  int first;
  int tiles;
  int each;    // features of a tile
  int larger;  // tiles, the first ones, that have one more

  __device__ explicit Share(const Plan &plan) {
    const int block = blockIdx.x;
    const int count = plan.share + (block < plan.larger ? 1 : 0);
    first = block * plan.share + min(block, plan.larger);
    tiles = plan.tiles_of(count);
    each = count / tiles;
    larger = count - each * tiles;
  }

  /// The first feature of a tile.
  __device__ int begin(int tile) const { return first + tile * each + min(tile, larger); }
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

/// Brings x to shared memory as it is, with zeros up to a multiple of 32 columns. Of a row, a thread has every 256th
/// vector of eight numbers, here and in `prepare_inputs`. Not through the first cache, which is not told what an earlier
/// kernel writes while this one runs.
__device__ inline void copy_inputs(const LinearStepCall &call, const Plan &plan, Half *to) {
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

/// Norm and activation of x in shared memory. The order of a row's sum of squares is the same whatever the other rows.
template <int kItems>
__device__ inline void prepare_inputs(const LinearStepCall &call, const Plan &plan, const Shared &shared) {
  const int vectors = call.in / 8;
  auto place = [&](int n, int v) { return reinterpret_cast<uint4 *>(shared.x + n * plan.row_stride) + v; };
  if (call.norm) {
#pragma unroll 4
    for (int n = 0; n < call.rows; ++n) {
      float sum = 0.0f;
      for (int v = threadIdx.x; v < vectors; v += kThreads) {
        const Eight numbers{*place(n, v)};
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float2 pair = numbers.pair(i);
          sum = fmaf(pair.x, pair.x, sum);
          sum = fmaf(pair.y, pair.y, sum);
        }
      }
#pragma unroll
      for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, distance);
      if (threadIdx.x % 32 == 0) shared.sums[n * kWarps + threadIdx.x / 32] = sum;
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

/// A number of the result: where the warps' sums of it lie, and what is added to them, which is asked for before they do.
struct Output {
  int n;
  int feature;
  bool exists;  // whether the tile has as many features
  int sums;     // where the first warp's lies
  unsigned short bias = 0;
  unsigned short gated_bias = 0;
  unsigned short residual = 0;

  /// The `i`-th of the tiles from `round` to `end`, row of x after row. Reads no more than is constant.
  __device__ Output(const LinearStepCall &call, const Plan &plan, const Share &share, int round, int end, int i) {
    const int width = (end - round) << plan.tile_bits;
    n = call.rows == 1 ? i >= width : i / width;
    const int tile = (i - n * width) >> plan.tile_bits;
    const int row = (i - n * width) & ((1 << plan.tile_bits) - 1);
    feature = share.begin(round + tile) + row;
    exists = n < call.rows && feature < share.begin(round + tile + 1);
    sums = (tile * plan.along * call.rows + n) * kTileRows + row;
    if (!exists || !call.bias) return;
    const unsigned short *biases = static_cast<const unsigned short *>(call.bias);
    bias = biases[feature];
    if (call.gates_output) gated_bias = biases[call.out + feature];
  }

  /// Asks for what is added to the product. Not through the first cache, as x.
  __device__ void ask(const LinearStepCall &call) {
    if (!exists || !call.residual.data) return;
    residual = __ldcg(static_cast<const unsigned short *>(call.residual.data) + n * call.residual.stride + feature);
  }

  /// Adds the sums of the warps in their order and writes the result.
  __device__ void write(const LinearStepCall &call, const Plan &plan, const float *all) const {
    if (!exists) return;
    auto wide = [](unsigned short x) { return __uint_as_float(static_cast<uint32_t>(x) << 16); };
    auto total = [&](int offset, unsigned short bias) {
      float parts[kWarps];
#pragma unroll
      for (int i = 0; i < kWarps; ++i) {
        parts[i] = i < plan.along ? all[sums + offset + i * call.rows * kTileRows] : 0.0f;
      }
      float sum = 0.0f;
#pragma unroll
      for (int i = 0; i < kWarps; ++i) sum += parts[i];
      return number(rounded<Half>(sum + wide(bias)));
    };
    float y = total(0, bias);
    if (call.gates_output) y = number(rounded<Half>(silu(y) * total(8, gated_bias)));
    static_cast<Half *>(call.result)[int64_t(n) * call.out + feature] = rounded<Half>(y + wide(residual));
  }
};

/// kItems: those that a warp has on their way.
template <int kItems>
__global__ void __launch_bounds__(kThreads, 2) linear_step_kernel(const LinearStepCall call, const Plan plan) {
  extern __shared__ __align__(128) unsigned char memory[];
  const Shared shared(memory, call, plan);
  const Share share(plan);
  const int lane = threadIdx.x & 31;
  const int warp = threadIdx.x / 32;
  const int g = lane >> 2;
  const int t = lane & 3;
  const int shift = __ffs(plan.along) - 1;
  const int groups = kWarps >> shift;
  const int group = warp >> shift;
  const int part = warp - (group << shift);
  const int first_piece = plan.pieces * part >> shift;
  const int end_piece = plan.pieces * (part + 1) >> shift;

  // What is constant is asked for before the input is there.
  if (call.norm) {
    const Half *norm = static_cast<const Half *>(call.norm);
    for (int v = threadIdx.x; v < call.in / 8; v += kThreads) {
      copy_16(shared_address(shared.norm + 8 * v), norm + 8 * v, true);
    }
  }
  end_group();
  unsigned char *ring = shared.ring + warp * kItems * kItemBytes + lane * 16;
  Fetch fetch{static_cast<const Half *>(call.weight),
              call.in,
              call.out,
              call.gates_output,
              share,
              shared_address(ring),
              first_piece,
              end_piece,
              groups,
              group,
              first_piece};
  if (group < share.tiles) fetch.aim();
#pragma unroll 1
  for (int item = 0; item < kItems; ++item) fetch.next(item * kItemBytes);

  Output output(call, plan, share, 0, min(plan.together, share.tiles), threadIdx.x);

  wait_for_earlier();
  copy_inputs(call, plan, shared.x);
  if (call.norm || call.activates_input) prepare_inputs<kItems>(call, plan, shared);
  __syncthreads();

  const Half *columns = shared.x + min(g, call.rows - 1) * plan.row_stride + 8 * t;
  int slot = 0;  // in bytes
  bool has_begun = fetch.is_done();
  if (has_begun) let_later_start();
  for (int round = 0; round < share.tiles; round += plan.together) {
    const int end = min(round + plan.together, share.tiles);
    if (round > 0) output = Output(call, plan, share, round, end, threadIdx.x);
    output.ask(call);
    for (int tile = round + group; tile < end; tile += groups) {
      float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll 1
      for (int piece = first_piece; piece < end_piece; ++piece) {
        await_groups<kItems - 1>();
        const uint4 upper = *reinterpret_cast<const uint4 *>(ring + slot);
        const uint4 lower = *reinterpret_cast<const uint4 *>(ring + slot + kItemBytes / 2);
        const uint4 x = *reinterpret_cast<const uint4 *>(columns + piece * kColumns);
        const uint32_t first[4] = {upper.x, lower.x, upper.y, lower.y};
        const uint32_t second[4] = {upper.z, lower.z, upper.w, lower.w};
        multiply_half(sums, first, x.x, x.y);
        multiply_half(sums, second, x.z, x.w);
        fetch.next(slot);
        // Memory has nothing more to do for this warp: the next kernel may ask for its weight while sums are added here
        // and its input is read there. Begun earlier, it would only ask for it in place of this one.
        if (!has_begun && fetch.is_done()) {
          let_later_start();
          has_begun = true;
        }
        slot += kItemBytes;
        if (slot == kItems * kItemBytes) slot = 0;
      }
      float *own = shared.sums + ((tile - round) * plan.along + part) * call.rows * kTileRows + g;
      const int n = 2 * t;
      if (n < call.rows) {
        own[n * kTileRows] = sums[0];
        own[n * kTileRows + 8] = sums[2];
      }
      if (n + 1 < call.rows) {
        own[(n + 1) * kTileRows] = sums[1];
        own[(n + 1) * kTileRows + 8] = sums[3];
      }
    }
    __syncthreads();
    output.write(call, plan, shared.sums);
    const int outputs = ((end - round) << plan.tile_bits) * call.rows;
    for (int i = threadIdx.x + kThreads; i < outputs; i += kThreads) {
      Output other(call, plan, share, round, end, i);
      other.ask(call);
      other.write(call, plan, shared.sums);
    }
    if (end < share.tiles) __syncthreads();
  }
}

/// The device, and whether this kernel may start while the one before it runs: on Hopper and later, in a graph. Elsewhere
/// the kernel before may be the one that made the weight, and launches take longer than the kernels anyway.
cudaError_t find_limits(cudaStream_t stream, DeviceLimits &limits) {
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  cudaError_t error = DeviceLimits::find(limits);
  if (error == cudaSuccess) error = cudaStreamIsCapturing(stream, &capture);
  limits.is_hopper = limits.is_hopper && capture == cudaStreamCaptureStatusActive;
  return error;
}

template <int kItems>
cudaError_t launch(const LinearStepCall &call, const Plan &plan, const DeviceLimits &limits) {
  auto *kernel = linear_step_kernel<kItems>;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, plan.bytes);
  // All kernels of a step want the same split of the first cache, so that one can begin beside the other.
  if (error == cudaSuccess) {
    error = cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared);
  }
  if (error != cudaSuccess) return error;
  return launch_dependent(limits, kernel, dim3(plan.blocks), kThreads, plan.bytes, 1, call.stream, call, plan);
}

bool is_aligned(const void *p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

}  // namespace

cudaError_t linear_step_fits(const LinearStepCall &call, bool &fits) {
  fits = call.rows <= kMostRows && call.in % 8 == 0 && is_aligned(call.x.data) &&
         (call.rows == 1 || call.x.stride % 8 == 0) && is_aligned(call.weight) && is_aligned(call.norm);
  if (!fits) return cudaSuccess;
  DeviceLimits limits;
  cudaError_t error = DeviceLimits::find(limits);
  fits = error == cudaSuccess && Plan(call, limits).bytes <= limits.shared_bytes;
  return error;
}

cudaError_t linear_step_few(const LinearStepCall &call) {
  DeviceLimits limits;
  if (cudaError_t error = find_limits(call.stream, limits); error != cudaSuccess) return error;
  Plan plan(call, limits);
  return plan.items == kManyItems ? launch<kManyItems>(call, plan, limits) : launch<kFewItems>(call, plan, limits);
}

}  // namespace jet::cuda
