// LinearStep.cu: a decode step's matrix product for few rows, bound by the rate at which memory gives the weight.
//
// Each block takes an equal share of the result's features, in tiles of 16 rows of the weight (8 of the gate and the 8
// that they gate). The warps of a block share the columns of a tile, and tiles where columns are few. A warp multiplies
// 16 rows × 32 columns at a time on the tensor cores, the weight as the left factor and up to eight rows of x as the
// right one, so that one row costs as much as eight. As the order of a sum is free, a lane takes for its columns of two
// products eight neighbours, 16 bytes of each of two rows of the weight, which it copies for itself through shared
// memory several items ahead: nobody waits for anyone until the sums of the warps are added, in a fixed order.
#include <cuda_runtime.h>

#include "LinearOperands.cuh"

namespace jet::cuda {
namespace {

/// A number of the result: where the warps' sums of it lie, and what is added to them, which is asked for before they
/// do.
struct Output {
  int n = 0;
  int feature = 0;
  bool exists = false;  // whether the tile has as many features
  int sums = 0;         // where the first warp's lies
  unsigned short bias = 0;
  unsigned short gated_bias = 0;
  unsigned short residual = 0;

  Output() = default;

  /// The `i`-th of the tiles from `round` to `end`, row of x after row. Reads no more than is constant.
  __device__ Output(const LinearStepCall &call, const LinearPlan &plan, const Share &share, int round, int end, int i) {
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
  __device__ void write(const LinearStepCall &call, const LinearPlan &plan, const float *all) const {
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

/// A thread's first outputs of the tiles from `round` to `end`.
template <int kOutputs>
__device__ inline void find_outputs(Output (&outputs)[kOutputs], const LinearStepCall &call, const LinearPlan &plan,
                                    const Share &share, int round, int end) {
  const int count = ((end - round) << plan.tile_bits) * call.rows;
#pragma unroll
  for (int i = 0; i < kOutputs; ++i) {
    const int index = threadIdx.x + i * kThreads;
    outputs[i] = index < count ? Output(call, plan, share, round, end, index) : Output();
  }
}

/// kItems: those that a warp has on their way. kWays: warps that bring a row of x.
template <int kItems, int kWays>
__global__ void __launch_bounds__(kThreads, 2) linear_step_kernel(const LinearStepCall call, const LinearPlan plan) {
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

  // Of a round those that a thread asks about before its sums are there; further ones are rare. Few registers where
  // rows are few: with more, fewer blocks of the kernels behind this one have room beside it.
  constexpr int kOutputs = kWays >= 4 ? 1 : 3;
  Output outputs[kOutputs];
  int end = min(plan.together, share.tiles);
  find_outputs(outputs, call, plan, share, 0, end);

  // Begun before memory has nothing more to do for this kernel, the next would only ask for its weight in place of this
  // one. Afterwards it asks while input is read and sums are added, here and by the kernels before.
  bool has_begun = fetch.is_done();
  if (has_begun) let_later_start();
#if __CUDA_ARCH__ >= 900
  if (plan.brings) {
    if (threadIdx.x == 0) {
      start_place(shared.place, 1);
      publish_places();
    }
    __syncthreads();
    wait_for_earlier();
    bring_inputs(call, plan, shared.x, shared.place);
  } else
#endif
  {
    wait_for_earlier();
    copy_inputs<kWays>(call, plan, shared.x);
  }
  if (call.norm || call.activates_input) prepare_inputs<kItems, kWays>(call, plan, shared);
  __syncthreads();

  const Half *columns = shared.x + min(g, call.rows - 1) * plan.row_stride + 8 * t;
  int slot = 0;  // in bytes
  for (int round = 0; round < share.tiles; round = end) {
    end = min(round + plan.together, share.tiles);
    if (round > 0) find_outputs(outputs, call, plan, share, round, end);
#pragma unroll
    for (Output &output : outputs) output.ask(call);
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
#pragma unroll
    for (const Output &output : outputs) output.write(call, plan, shared.sums);
    const int count = ((end - round) << plan.tile_bits) * call.rows;
    for (int i = threadIdx.x + kOutputs * kThreads; i < count; i += kThreads) {
      Output other(call, plan, share, round, end, i);
      other.ask(call);
      other.write(call, plan, shared.sums);
    }
    if (end < share.tiles) __syncthreads();
  }
}

/// The device, and whether this kernel may start while the one before it runs: in a graph.
/// Elsewhere the kernel before may be the one that made the weight, and launches take longer than the kernels anyway.
cudaError_t find_limits(cudaStream_t stream, DeviceLimits &limits) {
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  cudaError_t error = DeviceLimits::find(limits);
  if (error == cudaSuccess) error = cudaStreamIsCapturing(stream, &capture);
  limits.may_overlap = capture == cudaStreamCaptureStatusActive;
  return error;
}

template <int kItems, int kWays>
cudaError_t launch(const LinearStepCall &call, const LinearPlan &plan, const DeviceLimits &limits) {
  auto *kernel = linear_step_kernel<kItems, kWays>;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, plan.bytes);
  if (error != cudaSuccess) return error;
  return launch_dependent(limits, kernel, dim3(plan.blocks), kThreads, plan.bytes, 1, call.stream, call, plan);
}

template <int kItems>
cudaError_t launch(const LinearStepCall &call, const LinearPlan &plan, const DeviceLimits &limits) {
  switch (ways_of(call.rows)) {
    case 8: return launch<kItems, 8>(call, plan, limits);
    case 4: return launch<kItems, 4>(call, plan, limits);
    case 2: return launch<kItems, 2>(call, plan, limits);
    default: return launch<kItems, 1>(call, plan, limits);
  }
}

bool is_aligned(const void *p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

}  // namespace

cudaError_t linear_step_fits(const LinearStepCall &call, bool &fits) {
  fits = call.rows <= kMostRows && call.in % 8 == 0 && is_aligned(call.x.data) &&
         (call.rows == 1 || call.x.stride % 8 == 0) && is_aligned(call.weight) && is_aligned(call.norm);
  if (!fits) return cudaSuccess;
  DeviceLimits limits;
  cudaError_t error = DeviceLimits::find(limits);
  fits = error == cudaSuccess && LinearPlan(call, limits).bytes <= limits.shared_bytes;
  return error;
}

cudaError_t linear_step_few(const LinearStepCall &call) {
  DeviceLimits limits;
  if (cudaError_t error = find_limits(call.stream, limits); error != cudaSuccess) return error;
  LinearPlan plan(call, limits);
  return plan.items == kManyItems ? launch<kManyItems>(call, plan, limits) : launch<kFewItems>(call, plan, limits);
}

}  // namespace jet::cuda
