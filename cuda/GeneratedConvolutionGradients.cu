// GeneratedConvolutionGradients.cu: the gradients of a convolution's inputs and of the taps that a generator made for it; the
// taps are made again on Hopper's tensor cores.
//
// As in GeneratedConvolution.cu, but a thread makes the taps of four channels at a time, and the warpgroups do not take turns,
// as products are the smaller part of the work. What a token gives to the three before it passes from lane to lane, at the
// beginning of a warp's 16 tokens through shared memory. So a warpgroup takes its tiles from the last to the first, and
// begins with the one after them where that is of the same sequence.

#include "GeneratedTaps.cuh"
#include "HandOver.cuh"

namespace jet::cuda {
namespace {

/// Lanes that hold what is for the three tokens before a warp's first.
constexpr int kCarriers = 12;

/// What the first tokens of warps give to those before them, of the last turns of a warpgroup: a turn reads that of its own
/// and of the tile before, and two turns are never written at once.
template <int KR>
struct Carries {
  static constexpr int kTurns = 2 * Taps<KR>::kParts;  // of a tile
  static constexpr int kKept = kTurns + 2;
  float4 of[kKept][4][kCarriers];  // turn, warp, lane
};

#ifdef JET_HAS_WARPGROUPS

/// A thread's part of a turn: its two tokens and four channels.
struct Turned {
  float x[2][4];   // of the gradient of the inputs, but for `carry` of the next warp
  float carry[4];  // for the tokens before the warp's first
  uint32_t taps[2][8];
};

__device__ inline void differentiate(Turned &out, const float (&taps)[8][4], const Numbers<4> (&inputs)[2][4],
                                     const Numbers<4> (&incoming)[2]) {
  int lane = threadIdx.x % 32;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float given[2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float k[4] = {taps[2 * i][2 * half], taps[2 * i][2 * half + 1], taps[2 * i + 1][2 * half],
                    taps[2 * i + 1][2 * half + 1]};
      float z = 0.0f, of_taps[4];
#pragma unroll
      for (int w = 0; w < 4; ++w) z += k[w] * inputs[half][w].at(i);
      float s = quick_sigmoid(z), of_z = incoming[half].at(i) * s * (1.0f + z * (1.0f - s));
#pragma unroll
      for (int w = 0; w < 4; ++w) {
        of_taps[w] = of_z * inputs[half][w].at(i);
        given[half][w] = of_z * k[w];
      }
      out.taps[half][2 * i] = packed(of_taps[0], of_taps[1]);
      out.taps[half][2 * i + 1] = packed(of_taps[2], of_taps[3]);
    }
    float early = given[0][3], late = given[1][3], before = 0.0f;
#pragma unroll
    for (int ahead = 1; ahead < 4; ++ahead) {
      // From the token that many ahead among the warp's first eight, and among the others.
      float first = __shfl_sync(~0u, given[0][3 - ahead], lane + 4 * ahead);
      float second = __shfl_sync(~0u, given[1][3 - ahead], lane + 4 * ahead);
      bool is_beyond = lane / 4 + ahead >= 8;
      early += is_beyond ? second : first;
      late += is_beyond ? 0.0f : second;
      before += is_beyond ? first : 0.0f;
    }
    out.x[0][i] = early;
    out.x[1][i] = late;
    out.carry[i] = before;
  }
}

/// Asks for what a warpgroup will read of a tile.
__device__ inline void bring_next(const GeneratedConvolutionCall &call, const GeneratedConvolutionGradients &gradients,
                                  int tile, int first_channel, bool exists) {
  int tiles = call.tiles(), b = tile / tiles, token = tile % tiles * kTileTokens + threadIdx.x % kTileTokens;
  exists = exists && token < call.tokens;
  if (threadIdx.x % 128 < kTileTokens) {
    bring_nearer(static_cast<const Half *>(call.x.data) + b * call.x.batch + token * call.x.token + first_channel, exists);
  } else {
    int64_t row = int64_t(b) * call.tokens + token;
    bring_nearer(static_cast<const Half *>(gradients.y) + row * call.channels + first_channel, exists);
  }
}

#endif

template <int KR>
__global__ void __launch_bounds__(kConvolutionThreads, 1)
    convolve_back(GeneratedConvolutionCall call, GeneratedConvolutionGradients gradients) {
#ifdef JET_HAS_WARPGROUPS
  using Sizes = Taps<KR>;
  using Carried = Carries<KR>;
  extern __shared__ __align__(128) unsigned char shared[];
  int tiles_of_sequence = call.tiles();
  int group = threadIdx.x / 128, warp = threadIdx.x % 128 / 32, lane = threadIdx.x % 32;
  Carried &carries = reinterpret_cast<Carried *>(shared + Sizes::kBytes)[group];
  int turn = 0;  // modulo kKept
  for (TileRuns<KR> runs(call); runs.next();) {
    int first_channel = runs.first_channel, from = runs.from, to = runs.to;
    __syncthreads();
    load_generator<KR>(call, first_channel, shared);
    __syncthreads();
    int most = (to - from + 1) / 2;
    // This warpgroup's tiles, and the one after them, of which only what it gives to these is wanted.
    int first = group == 0 ? from : from + most, end = group == 0 ? from + most : to;
    uint32_t left[Sizes::kSteps][4];
    bool is_wanted = end < runs.tiles && end % tiles_of_sequence > 0;
    if (is_wanted) load_inner<KR>(left, call.factors, end);
    for (int step = 0; step <= most; ++step) {
      int tile = end - step, b = tile / tiles_of_sequence, local = tile % tiles_of_sequence;
      if (step > 0) is_wanted = tile >= first;
      bool has_next = tile - 1 >= first, has_later = local + 1 < tiles_of_sequence;
      int first_token = local * kTileTokens, token = first_token + 16 * warp + lane / 4;
      int first_of_thread = first_channel + lane % 4 * 8;
      Inputs source(call, b, first_token, token, first_of_thread);
      int64_t at = (int64_t(b) * call.tokens + token) * call.channels + first_of_thread;
      const Half *of_y = static_cast<const Half *>(gradients.y) + at;
      Half *of_x =
          static_cast<Half *>(gradients.x) + b * gradients.x_batch + token * gradients.x_token + first_of_thread;
      uint4 *of_taps = reinterpret_cast<uint4 *>(static_cast<Half *>(gradients.taps) + at * kGeneratedTaps);
      bring_next(call, gradients, tile - 1, first_channel, has_next);
#pragma unroll
      for (int part = 0; part < Carried::kTurns; ++part) {
        float taps[8][4];
        Numbers<4> inputs[2][4], incoming[2];
        int channel = part / 2 * Sizes::kPart + part % 2 * 4;
        if (is_wanted) {
          begin_taps<KR, 64>(taps, left, shared, 64 * part);
          source.load(inputs, channel);
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            bool exists = token + 8 * half < call.tokens;
            incoming[half] = exists ? Numbers<4>::load(of_y + 8 * half * call.channels + channel) : Numbers<4>::zeros();
          }
        }
        wait_products<0>();
        pin(taps);
        pin(left);
        Turned out;
        if (is_wanted) differentiate(out, taps, inputs, incoming);
        pin(out.x);
        // Not before the inputs are there: they would be waited for together.
        if (part + 1 == Carried::kTurns && has_next) load_inner<KR>(left, call.factors, tile - 1);
        if (is_wanted) {
          int carrier = lane - (32 - kCarriers);
          if (carrier >= 0)
            carries.of[turn][warp][carrier] = make_float4(out.carry[0], out.carry[1], out.carry[2], out.carry[3]);
          meet(1 + group, 128);
          if (step > 0) {
            if (carrier >= 0 && (warp < 3 || has_later)) {
              int of_turn = warp < 3 ? turn : (turn + Carried::kKept - Carried::kTurns) % Carried::kKept;
              float4 more = carries.of[of_turn][(warp + 1) % 4][carrier];
              out.x[1][0] += more.x;
              out.x[1][1] += more.y;
              out.x[1][2] += more.z;
              out.x[1][3] += more.w;
            }
#pragma unroll
            for (int half = 0; half < 2; ++half) {
              if (token + 8 * half >= call.tokens) continue;
              int64_t further = 8 * half * call.channels + channel;
              Numbers<4>{{packed(out.x[half][0], out.x[half][1]), packed(out.x[half][2], out.x[half][3])}}.store(
                  of_x + 8 * half * gradients.x_token + channel);
              const uint32_t(&numbers)[8] = out.taps[half];
              // They are not to take the place of factors in the second-level cache.
              __stcs(of_taps + further / 2, make_uint4(numbers[0], numbers[1], numbers[2], numbers[3]));
              __stcs(of_taps + further / 2 + 1, make_uint4(numbers[4], numbers[5], numbers[6], numbers[7]));
            }
          }
        }
        turn = turn + 1 == Carried::kKept ? 0 : turn + 1;
      }
    }
  }
#endif
}

template <int KR>
cudaError_t launch(const GeneratedConvolutionCall &call, const GeneratedConvolutionGradients &gradients) {
  constexpr int kBytes = Taps<KR>::kBytes + 2 * static_cast<int>(sizeof(Carries<KR>));
  auto *kernel = convolve_back<KR>;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
  unsigned blocks = 0;
  if (error == cudaSuccess) error = find_blocks<KR>(call, blocks);
  if (error != cudaSuccess) return error;
  kernel<<<blocks, kConvolutionThreads, kBytes, call.stream>>>(call, gradients);
  return cudaGetLastError();
}

}  // namespace

cudaError_t generated_convolution_gradients(const GeneratedConvolutionCall &call,
                                            const GeneratedConvolutionGradients &gradients) {
  return JET_FOR_INNER_WIDTH(call, launch<KR>(call, gradients));
}

}  // namespace jet::cuda
