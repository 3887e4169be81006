// GeneratedConvolution.cu: kernels of a convolution made and used by one kernel, on Hopper's tensor cores.
//
// A block takes a run of tiles of 64 tokens, those of a block of channels one after the other, so that it loads the
// weights of these channels once. Its warpgroups work on tiles of their own: one's products run while others convolve.

#include "GeneratedTaps.cuh"

namespace jet::cuda {
namespace {

/// silu of the inner layer, and ones, as left factors: [tile][warp][step][lane][4]; and in rows, where asked for.
template <int KR>
__global__ void make_factors(GeneratedConvolutionCall call) {
  constexpr int kSteps = Taps<KR>::kSteps;
  int64_t index = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  int tiles = call.tiles();
  if (index >= int64_t(call.batch) * tiles * 4 * kSteps * 32) return;
  int lane = index % 32, step = index / 32 % kSteps, warp = index / 32 / kSteps % 4;
  int64_t tile = index / 32 / kSteps / 4;
  int b = tile / tiles, token = tile % tiles * kTileTokens + 16 * warp + lane / 4 * 2,
      column = 16 * step + lane % 4 * 2;
  const Half *from =
      static_cast<const Half *>(call.inner.data) + b * call.inner.batch + token * call.inner.token + column;
  Half *to = static_cast<Half *>(call.activated);
  if (to) to += (int64_t(b) * call.tokens + token) * call.inner_width + column;
  uint32_t numbers[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    int row = i % 2, further = i / 2 * 8;
    uint32_t pair = 0;
    if (column + further == call.inner_width) {
      numbers[i] = packed(1.0f, 0.0f);
      continue;
    }
    bool exists = token + row < call.tokens && column + further < call.inner_width;
    if (exists) pair = *reinterpret_cast<const uint32_t *>(from + row * call.inner.token + further);
    float2 x = unpacked(pair);
    float z[1][2] = {{x.x, x.y}}, s[1][2];
    quick_sigmoid(s, z);
    numbers[i] = packed(x.x * s[0][0], x.y * s[0][1]);
    if (to && exists) *reinterpret_cast<uint32_t *>(to + row * call.inner_width + further) = numbers[i];
  }
  static_cast<uint4 *>(call.factors)[index] = make_uint4(numbers[0], numbers[1], numbers[2], numbers[3]);
}

#ifdef JET_HAS_WARPGROUPS

/// Pairs of silu(z), of either token.
__device__ inline void activate(uint32_t (&y)[2][2], const float (&z)[2][4]) {
  float s[2][4];
  quick_sigmoid(s, z);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
#pragma unroll
    for (int i = 0; i < 4; i += 2) y[half][i / 2] = packed(z[half][i] * s[half][i], z[half][i + 1] * s[half][i + 1]);
  }
}

/// Writes a thread's taps of a part.
///
/// - taps: as in `convolve`.
/// - to: of its first token and channel; `row` numbers further on are the next token's.
/// - tokens: how many of its two tokens there are.
__device__ inline void store_taps(Half *to, int64_t row, const float (*taps)[4], int tokens) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    uint32_t numbers[2 * kGeneratedTaps];
#pragma unroll
    for (int i = 0; i < 2 * kGeneratedTaps; ++i) numbers[i] = packed(taps[i][2 * half], taps[i][2 * half + 1]);
    if (half >= tokens) continue;
    uint4 *place = reinterpret_cast<uint4 *>(to + half * row);
    place[0] = make_uint4(numbers[0], numbers[1], numbers[2], numbers[3]);
    place[1] = make_uint4(numbers[4], numbers[5], numbers[6], numbers[7]);
  }
}

#endif

/// Warpgroups of a block, and parts whose taps one of them makes together: wide products are faster.
constexpr int kGroups = 2, kTogether = 2;

/// - kKeepsTaps: whether `call.taps` is written.
template <int KR, bool kKeepsTaps>
__global__ void __launch_bounds__(128 * kGroups, 1)
    generate_and_convolve(GeneratedConvolutionCall call, const __grid_constant__ SequenceTiles inputs_of_tokens) {
#ifdef JET_HAS_WARPGROUPS
  using Sizes = Taps<KR>;
  using Queue = PartQueue<kTogether>;
  extern __shared__ __align__(1024) unsigned char shared[];
  int group = threadIdx.x / 128, warp = threadIdx.x % 128 / 32, lane = threadIdx.x % 32;
  bool leads = threadIdx.x % 128 == 0;
  Queue queue{shared + Sizes::kBytes + group * Queue::kBytes};
  PartPlaces places(queue.memory, 16 * warp + lane / 4 * 2, lane % 4);
  if (leads) queue.start();
  uint32_t weights = factor_place(shared_address(shared));
  uint32_t none = static_cast<uint32_t>(call.batch) >> 31;
  int turn = 0;
  for (TileRuns<KR> runs(call); runs.next();) {
    __syncthreads();
    load_generator<KR>(call, runs.first_channel, shared);
    __syncthreads();
    auto bring = [&](const TilePlace &at, int part) {
      expect_bytes(queue.there(), kTogether * Queue::kInputBytes);
      for (int i = 0; i < kTogether; ++i)
        bring_part(queue.at(i), inputs_of_tokens, at.b, at.first_token() - (kGeneratedTaps - 1),
                   runs.first_channel + (part + i) * kPartChannels, queue.there());
    };
    TilePlace at(runs.from + group, call.tiles());
    uint32_t left[Sizes::kSteps][4];
    if (runs.from + group < runs.to) {
      if (leads) bring(at, 0);
      load_inner<KR>(left, call.factors, runs.from + group);
    }
    for (int tile = runs.from + group; tile < runs.to; tile += kGroups) {
      int b = at.b, token = at.first_token() + 16 * warp + lane / 4 * 2;
      TilePlace next = at.further(kGroups);
      int64_t first = (int64_t(b) * call.tokens + token) * call.channels + runs.first_channel + channel_of(0, lane % 4);
      Half *y = static_cast<Half *>(call.y) + first;
      bool has_next = tile + kGroups < runs.to;
#pragma unroll
      for (int part = 0; part < Sizes::kParts; part += kTogether) {
        bool is_last = part + kTogether == Sizes::kParts;
        float taps[2 * kGeneratedTaps * kTogether][4];
        pin(left);
        begin_taps<KR>(taps, left, weights, part);
        PartInputs inputs[kTogether];
        await_phase(queue.there(), turn);
#pragma unroll
        for (int i = 0; i < kTogether; ++i) {
#pragma unroll
          for (int r = 0; r <= kGeneratedTaps; ++r) places.read(inputs[i][r], r, i * Queue::kCopy);
          if (token < kGeneratedTaps - 1)
            take_window(
                inputs[i],
                static_cast<const uint16_t *>(call.window) +
                    (int64_t(b) * call.channels + runs.first_channel + (part + i) * kPartChannels) * kGeneratedTaps,
                token, lane % 4);
        }
        // Reads of shared memory may be under way still when an arrival is made, and so when the next copy takes their
        // place: the arrival's address depends on what they bring.
        uint32_t zero = zero_of(inputs[0], none) | zero_of(inputs[1], none);
        __syncwarp();
        if (lane == 0) arrive(queue.taken() + zero);
        if (leads) {
          await_phase(queue.taken(), turn);
          show_writes();  // what the arrivals made known holds for copies too
          if (!is_last) bring(at, part + kTogether);
          else if (has_next) bring(next, 0);
        }
        __syncwarp();
        wait_products<0>();
        pin(taps);
        pin(left);
        // Without a condition, behind which the numbers would be waited for once more.
        if (is_last) load_inner<KR>(left, call.factors, has_next ? tile + kGroups : tile, zero);
#pragma unroll
        for (int i = 0; i < kTogether; ++i) {
          float z[2][4];
          uint32_t out[2][2];
          if constexpr (kKeepsTaps)
            store_taps(static_cast<Half *>(call.taps) + (first + (part + i) * kPartChannels) * kGeneratedTaps,
                       int64_t(call.channels) * kGeneratedTaps, taps + 2 * kGeneratedTaps * i, call.tokens - token);
          convolve(z, taps + 2 * kGeneratedTaps * i, inputs[i]);
          activate(out, z);
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            if (token + half < call.tokens)
              *reinterpret_cast<uint2 *>(y + half * call.channels + (part + i) * kPartChannels) =
                  make_uint2(out[half][0], out[half][1]);
          }
        }
        ++turn;
      }
      at = next;
    }
  }
#endif
}

template <int KR, bool kKeepsTaps>
cudaError_t launch(const GeneratedConvolutionCall &call) {
  constexpr int kBytes = Taps<KR>::kBytes + kGroups * PartQueue<kTogether>::kBytes;
  static_assert(kBytes <= kSharedOnHopper);
  auto *kernel = generate_and_convolve<KR, kKeepsTaps>;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
  unsigned blocks = 0;
  if (error == cudaSuccess) error = find_blocks<KR>(call, kGroups, blocks);
  SequenceTiles inputs{};
  if (error == cudaSuccess) error = inputs.describe(call.x, call.batch, call.tokens, call.channels, kPartRows);
  if (error != cudaSuccess) return error;
  kernel<<<blocks, 128 * kGroups, kBytes, call.stream>>>(call, inputs);
  return cudaGetLastError();
}

template <int KR>
cudaError_t launch_factors(const GeneratedConvolutionCall &call) {
  int64_t threads = int64_t(call.batch) * call.tiles() * 4 * Taps<KR>::kSteps * 32;
  make_factors<KR><<<static_cast<unsigned>((threads + 255) / 256), 256, 0, call.stream>>>(call);
  return cudaGetLastError();
}

}  // namespace

bool has_generated_convolution() { return is_hopper(); }

int64_t generated_convolution_bytes(int batch, int tokens, int inner_width) {
  return int64_t(batch) * ((tokens + kTileTokens - 1) / kTileTokens) * kTileTokens * padded_inner_width(inner_width) *
         2;
}

cudaError_t generated_convolution(const GeneratedConvolutionCall &call) {
  cudaError_t error = JET_FOR_INNER_WIDTH(call, cudaError_t, launch_factors<KR>(call));
  if (error != cudaSuccess) return error;
  return JET_FOR_INNER_WIDTH(call, cudaError_t, call.taps ? launch<KR, true>(call) : launch<KR, false>(call));
}

}  // namespace jet::cuda
