// GeneratedConvolution.cu: kernels of a convolution made and used by one kernel, on Hopper's tensor cores.
//
// A block takes a run of tiles of 64 tokens, those of a block of channels one after the other, so that it loads the
// weights of these channels once. Its two warpgroups work on tiles of their own, in turns: one's convolution runs while
// the other's products do.

#include "GeneratedTaps.cuh"
#include "HandOver.cuh"

namespace jet::cuda {
namespace {

/// silu of the inner layer, and ones, as left factors: [tile][warp][step][lane][4].
template <int KR>
__global__ void activate(GeneratedConvolutionCall call) {
  constexpr int kSteps = Taps<KR>::kSteps;
  int64_t index = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  int tiles = call.tiles();
  if (index >= int64_t(call.batch) * tiles * 4 * kSteps * 32) return;
  int lane = index % 32, step = index / 32 % kSteps, warp = index / 32 / kSteps % 4;
  int64_t tile = index / 32 / kSteps / 4;
  int b = tile / tiles, token = tile % tiles * kTileTokens + 16 * warp + lane / 4, column = 16 * step + lane % 4 * 2;
  const Half *from = static_cast<const Half *>(call.inner.data) + b * call.inner.batch + token * call.inner.token + column;
  uint32_t numbers[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    int row = i % 2 * 8, further = i / 2 * 8;
    uint32_t pair = 0;
    if (column + further == call.inner_width) {
      numbers[i] = packed(1.0f, 0.0f);
      continue;
    }
    if (token + row < call.tokens && column + further < call.inner_width)
      pair = *reinterpret_cast<const uint32_t *>(from + row * call.inner.token + further);
    float2 x = unpacked(pair);
    numbers[i] = packed(x.x * quick_sigmoid(x.x), x.y * quick_sigmoid(x.y));
  }
  static_cast<uint4 *>(call.factors)[index] = make_uint4(numbers[0], numbers[1], numbers[2], numbers[3]);
}

#ifdef JET_HAS_WARPGROUPS

/// The convolution of a thread's two tokens and eight channels; `inputs` are those of the tokens before and at each.
__device__ inline void convolve(float (&z)[2][8], const float (&taps)[16][4], const Numbers<8> (&inputs)[2][4]) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const float(&early)[4] = taps[2 * i], (&late)[4] = taps[2 * i + 1];
      float sum = early[2 * half] * inputs[half][0].at(i);
      sum += early[2 * half + 1] * inputs[half][1].at(i);
      sum += late[2 * half] * inputs[half][2].at(i);
      z[half][i] = sum + late[2 * half + 1] * inputs[half][3].at(i);
    }
  }
}

/// Writes silu(z) to the first token's place and the other's.
__device__ inline void write(const float (&z)[2][8], Half *to, const GeneratedConvolutionCall &call, int token) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    if (token + 8 * half >= call.tokens) continue;
    Numbers<8> out;
#pragma unroll
    for (int i = 0; i < 8; i += 2)
      out.r[i / 2] = packed(z[half][i] * quick_sigmoid(z[half][i]), z[half][i + 1] * quick_sigmoid(z[half][i + 1]));
    out.store(to + 8 * half * call.channels);
  }
}

#endif

template <int KR>
__global__ void __launch_bounds__(kConvolutionThreads, 1) generate_and_convolve(GeneratedConvolutionCall call) {
#ifdef JET_HAS_WARPGROUPS
  using Sizes = Taps<KR>;
  extern __shared__ __align__(128) unsigned char shared[];
  int tiles_of_sequence = call.tiles();
  int group = threadIdx.x / 128, warp = threadIdx.x % 128 / 32, lane = threadIdx.x % 32;
  for (TileRuns<KR> runs(call); runs.next();) {
    int first_channel = runs.first_channel, from = runs.from, to = runs.to;
    __syncthreads();
    load_generator<KR>(call, first_channel, shared);
    __syncthreads();
    uint32_t left[Sizes::kSteps][4];
    if (from + group < to) load_inner<KR>(left, call.factors, from + group);
    if (group == 1) meet(kTurn, kConvolutionThreads);
    int b = (from + group) / tiles_of_sequence, local = (from + group) % tiles_of_sequence;
    for (int tile = from + group; tile < to + group; tile += 2) {
      int first_token = local * kTileTokens, token = first_token + 16 * warp + lane / 4;
      int first_of_thread = first_channel + lane % 4 * 8;
      Inputs source(call, b, first_token, token, first_of_thread);
      Half *y = static_cast<Half *>(call.y) + (int64_t(b) * call.tokens + token) * call.channels + first_of_thread;
      for (local += 2; local >= tiles_of_sequence; local -= tiles_of_sequence) ++b;
      // The inputs of the tile after this one.
      int ahead = local * kTileTokens + threadIdx.x % 128;
      bring_nearer(static_cast<const Half *>(call.x.data) + b * call.x.batch + ahead * call.x.token + first_channel,
                   tile + 2 < to && threadIdx.x % 128 < kTileTokens && ahead < call.tokens);
#pragma unroll
      for (int part = 0; part < Sizes::kParts; ++part) {
        float taps[16][4], z[2][8];
        Numbers<8> inputs[2][4];
        if (tile < to) {
          begin_taps<KR, 128>(taps, left, shared, 128 * part);
          source.load(inputs, part * Sizes::kPart);
        }
        wait_products<0>();
        pin(taps);
        pin(left);
        meet(kTurn, kConvolutionThreads);
        if (tile < to) convolve(z, taps, inputs);
        // Not before the inputs are there: they would be waited for together.
        pin(z);
        if (part + 1 == Sizes::kParts && tile + 2 < to) load_inner<KR>(left, call.factors, tile + 2);
        if (tile < to) write(z, y + part * Sizes::kPart, call, token);
        meet(kTurn, kConvolutionThreads);
      }
    }
    if (group == 0) meet(kTurn, kConvolutionThreads);
  }
#endif
}

template <int KR>
cudaError_t launch(const GeneratedConvolutionCall &call) {
  using Sizes = Taps<KR>;
  auto *kernel = generate_and_convolve<KR>;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Sizes::kBytes);
  unsigned blocks = 0;
  if (error == cudaSuccess) error = find_blocks<KR>(call, blocks);
  if (error != cudaSuccess) return error;
  kernel<<<blocks, kConvolutionThreads, Sizes::kBytes, call.stream>>>(call);
  return cudaGetLastError();
}

template <int KR>
cudaError_t launch_activation(const GeneratedConvolutionCall &call) {
  int64_t threads = int64_t(call.batch) * call.tiles() * 4 * Taps<KR>::kSteps * 32;
  activate<KR><<<static_cast<unsigned>((threads + 255) / 256), 256, 0, call.stream>>>(call);
  return cudaGetLastError();
}

}  // namespace

bool has_generated_convolution() { return is_hopper(); }

int64_t generated_convolution_bytes(int batch, int tokens, int inner_width) {
  return int64_t(batch) * ((tokens + kTileTokens - 1) / kTileTokens) * kTileTokens * padded_inner_width(inner_width) * 2;
}

cudaError_t generated_convolution(const GeneratedConvolutionCall &call) {
  cudaError_t error = generated_convolution_factors(call);
  return error == cudaSuccess ? JET_FOR_INNER_WIDTH(call, launch<KR>(call)) : error;
}

cudaError_t generated_convolution_factors(const GeneratedConvolutionCall &call) {
  return JET_FOR_INNER_WIDTH(call, launch_activation<KR>(call));
}

}  // namespace jet::cuda
