// GeneratedConvolutionGradients.cu: the gradients of a convolution's inputs and of the taps that a generator made for it; the
// taps are made again on Hopper's tensor cores.
//
// As in GeneratedConvolution.cu. What a token gives to the three before it passes from lane to lane, and at the beginning of a
// warp's 16 tokens through shared memory. So a warpgroup takes its tiles from the last to the first, and begins with the one
// after them where that is of the same sequence.
//
// The bias's gradient, the sum of that of the taps over all tokens, is added up by products with rows of ones, one of which
// adds a warp's eight columns of taps to a row of their own of two parts' sums; then warp by warp by a kernel after this one.

#include "GeneratedTaps.cuh"

namespace jet::cuda {
namespace {

/// Warpgroups of a block.
constexpr int kGroups = 2;

/// What a warp's first four tokens give to the three before them: to the last one and the one before by the first two
/// tokens, and by the third to the last one and by the first to the last but two; four channels a lane.
struct Carry {
  float4 early[4], late[4], third[4], first[4];
};

/// Carries of a warpgroup. A turn is one part of a tile; its carries are read in the same turn, but those of the first warp,
/// which are for the tile before, as many turns later as a tile has parts.
template <int kParts>
struct Carries {
  static constexpr int kKept = kParts + 2;
  Carry of_first[kKept];
  Carry of_others[2][3];

  __device__ Carry &of(int warp, int turn) { return warp == 0 ? of_first[turn % kKept] : of_others[turn % 2][warp - 1]; }
};

/// Where a block's sums of a run are: no two runs have the same number, as each goes on in blocks or in channels.
__device__ inline int64_t run_number(int block, int block_of_channels) { return block + block_of_channels; }

#ifdef JET_HAS_WARPGROUPS

constexpr Channels kOrder = Channels::kInPairs;

/// A thread's part of a turn: its two tokens and four channels.
struct Turned {
  float x[2][4];                    // of the gradient of the inputs, but for what later warps give
  float early[4], late[4], far[4];  // for the tokens of the lanes four and eight before this one
};

/// The gradients of what the convolution gives before silu.
__device__ inline void differentiate_silu(float (&of_z)[2][4], const float (&z)[2][4], const uint32_t (&incoming)[2][2]) {
  float s[2][4];
  quick_sigmoid(s, z);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      float y = z[half][i] * s[half][i];
      of_z[half][i] = of_pair(incoming[half], i) * (s[half][i] + y * (1.0f - s[half][i]));
    }
  }
}

/// The taps' gradients for either token and pair of channels.
__device__ inline void differentiate_taps(uint32_t (&of_taps)[2][2][4], const float (&of_z)[2][4], const PartInputs &inputs) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float x[kGeneratedTaps + 1];
#pragma unroll
    for (int r = 0; r <= kGeneratedTaps; ++r) x[r] = of_pair(inputs[r], i);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int w = 0; w < kGeneratedTaps; w += 2)
        of_taps[i / 2][half][i % 2 * 2 + w / 2] = packed(of_z[half][i] * x[half + w], of_z[half][i] * x[half + w + 1]);
    }
  }
}

/// The inputs' gradients, but for what later warps give.
__device__ inline void differentiate_inputs(Turned &out, const float (&of_z)[2][4], const PartTaps &taps) {
  int lane = threadIdx.x % 32;
  float early[4], late[4], far[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    // Of the first token and the second, taps w.
    auto first = [&](int w) { return taps[2 * i + w / 2][w % 2]; };
    auto second = [&](int w) { return taps[2 * i + w / 2][2 + w % 2]; };
    out.early[i] = of_z[0][i] * first(1) + of_z[1][i] * second(0);
    out.late[i] = of_z[0][i] * first(2) + of_z[1][i] * second(1);
    out.far[i] = of_z[0][i] * first(0);
    out.x[0][i] = of_z[0][i] * first(3) + of_z[1][i] * second(2);
    out.x[1][i] = of_z[1][i] * second(3);
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    early[i] = __shfl_down_sync(~0u, out.early[i], 4);
    late[i] = __shfl_down_sync(~0u, out.late[i], 4);
    far[i] = __shfl_down_sync(~0u, out.far[i], 8);
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    out.x[0][i] += lane < 28 ? early[i] : 0.0f;
    out.x[1][i] += (lane < 28 ? late[i] : 0.0f) + (lane < 24 ? far[i] : 0.0f);
  }
}

/// Sums over tokens of the taps' gradients of two parts: row 8 · (part mod 2) + 4 · pair + i has taps 2 · (i mod 2) and the
/// next of the channels 2 · quarter + i / 2 of a pair.
using PartSums = float[4];

/// Adds a pair of channels of a part, the first or the second of the two.
__device__ inline void add_up(PartSums &sums, bool is_second, const uint32_t (&of_taps)[2][4], int pair) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    uint32_t ones = threadIdx.x % 32 / 4 == 4 * pair + i ? 0x3f803f80u : 0u;
    uint32_t early = is_second ? 0u : ones, late = is_second ? ones : 0u;
    const uint32_t rows[4] = {early, late, early, late};
    multiply_half(sums, rows, transposed(of_taps[0][i]), transposed(of_taps[1][i]));
  }
}

__device__ inline float4 four(const float (&x)[4]) { return make_float4(x[0], x[1], x[2], x[3]); }

/// Leaves what the warp gives to the one before it.
__device__ inline void leave(Carry &carry, const Turned &turned) {
  int lane = threadIdx.x % 32;
  if (lane < 4) {
    carry.early[lane] = four(turned.early);
    carry.late[lane] = four(turned.late);
    carry.first[lane] = four(turned.far);
  } else if (lane < 8) {
    carry.third[lane - 4] = four(turned.far);
  }
}

__device__ inline void add(float (&x)[4], float4 more) {
  x[0] += more.x;
  x[1] += more.y;
  x[2] += more.z;
  x[3] += more.w;
}

/// Adds what the warp after this one gives.
__device__ inline void take(const Carry &carry, Turned &turned) {
  int lane = threadIdx.x % 32, quarter = lane % 4;
  if (lane >= 28) {
    add(turned.x[0], carry.early[quarter]);
    add(turned.x[1], carry.late[quarter]);
    add(turned.x[1], carry.third[quarter]);
  } else if (lane >= 24) {
    add(turned.x[1], carry.first[quarter]);
  }
}

#endif

template <int KR>
__global__ void __launch_bounds__(128 * kGroups, 1)
    convolve_back(GeneratedConvolutionCall call, GeneratedConvolutionGradients gradients,
                  const __grid_constant__ SequenceTiles inputs_of_tokens, const __grid_constant__ SequenceTiles of_outputs) {
#ifdef JET_HAS_WARPGROUPS
  using Sizes = Taps<KR>;
  using Queue = PartQueue<2>;
  constexpr int kParts = Sizes::kParts;
  using Carried = Carries<kParts>;
  extern __shared__ __align__(1024) unsigned char shared[];
  int group = threadIdx.x / 128, warp = threadIdx.x % 128 / 32, lane = threadIdx.x % 32, quarter = lane % 4;
  bool leads = threadIdx.x % 128 == 0;
  Queue queue{shared + Sizes::kBytes + group * Queue::kBytes};
  Carried &carries = reinterpret_cast<Carried *>(shared + Sizes::kBytes + kGroups * Queue::kBytes)[group];
  PartPlaces<kOrder> places(queue.memory, 16 * warp + lane / 4 * 2, quarter);
  if (leads) queue.start();
  uint32_t weights = factor_place(shared_address(shared));
  uint32_t none = static_cast<uint32_t>(call.batch) >> 31;
  int turn = 0;  // parts that this warpgroup has had
  for (TileRuns<KR> runs(call); runs.next();) {
    __syncthreads();
    load_generator<KR, kOrder>(call, runs.first_channel, shared);
    __syncthreads();
    // This warpgroup's tiles, and the one after them, of which only what it gives to these is wanted.
    int most = (runs.to - runs.from + 1) / 2;
    int first = group == 0 ? runs.from : runs.from + most, end = group == 0 ? runs.from + most : runs.to;
    bool is_any = first < end, gives = is_any && end < runs.tiles && end % call.tiles() > 0;
    auto bring = [&](const TilePlace &at, int part) {
      int channel = runs.first_channel + part * kPartChannels, place = part % 2;
      uint64_t *there = queue.there(place);
      expect_bytes(there, Queue::kInputBytes + Queue::kOutputBytes);
      bring_part(queue.at(place, 0), inputs_of_tokens, at.b, at.first_token() - (kGeneratedTaps - 1), channel, there);
      bring_part(queue.at(place, 1), of_outputs, at.b, at.first_token(), channel, there);
    };
    PartSums sums[kParts / 2] = {};
    uint32_t left[Sizes::kSteps][4];
    int latest = gives ? end : end - 1;
    TilePlace at(latest, call.tiles());
    if (is_any) {
      if (leads) {
        bring(at, 0);
        bring(at, 1);
      }
      load_inner<KR>(left, call.factors, latest);
    }
    for (int tile = latest; tile >= first; --tile) {
      int b = at.b, token = at.first_token() + 16 * warp + lane / 4 * 2;
      int channel = runs.first_channel + channel_of<kOrder>(0, quarter);
      bool has_next = tile > first, has_later = at.local + 1 < at.of_sequence;
      TilePlace next = at.further(-1);
      Half *of_x[2], *of_taps[2];
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        int64_t row = int64_t(b) * call.tokens + token + half;
        of_x[half] = static_cast<Half *>(gradients.x) + b * gradients.x_batch + (token + half) * gradients.x_token + channel;
        of_taps[half] = static_cast<Half *>(gradients.taps) + (row * call.channels + channel) * kGeneratedTaps;
      }
      // Whether the thread's tokens are to be written.
      bool writes[2] = {tile < end && token < call.tokens, tile < end && token + 1 < call.tokens};
#pragma unroll
      for (int part = 0; part < kParts; ++part) {
        PartTaps taps;
        PartInputs inputs;
        uint32_t incoming[2][2];
        pin(left);
        begin_taps<KR>(taps, left, weights, part);
        await_phase(queue.there(part % 2), turn / 2);
#pragma unroll
        for (int r = 0; r <= kGeneratedTaps; ++r) places.read(inputs[r], r, part % 2 * Queue::kPlace);
#pragma unroll
        for (int half = 0; half < 2; ++half)
          places.read(incoming[half], half, part % 2 * Queue::kPlace + Queue::kCopy);
        if (token < kGeneratedTaps - 1)
          take_window<kOrder>(inputs,
                              static_cast<const uint16_t *>(call.window) +
                                  (int64_t(b) * call.channels + runs.first_channel + part * kPartChannels) * kGeneratedTaps,
                              token, quarter);
        wait_products<0>();
        pin(taps);
        pin(left);
        // Without a condition, behind which the numbers would be waited for once more.
        if (part + 1 == kParts)
          load_inner<KR>(left, call.factors, has_next ? tile - 1 : tile, zero_of(inputs, none) | zero_of(incoming, none));
        float z[2][4], of_z[2][4];
        convolve(z, taps, inputs);
        differentiate_silu(of_z, z, incoming);
        uint32_t numbers[2][2][4];
        differentiate_taps(numbers, of_z, inputs);
#pragma unroll
        for (int pair = 0; pair < 2; ++pair) {
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            const uint32_t(&four)[4] = numbers[pair][half];
            // They are not to take the place of factors in the second-level cache.
            if (writes[half])
              __stcs(reinterpret_cast<uint4 *>(of_taps[half] + (part * kPartChannels + 8 * pair) * kGeneratedTaps),
                     make_uint4(four[0], four[1], four[2], four[3]));
          }
        }
        Turned turned;
        differentiate_inputs(turned, of_z, taps);
        leave(carries.of(warp, turn), turned);
        __syncwarp();
        // What was read is in use by now, as an arrival demands that frees its place: `leave` stores what came of it.
        if (lane == 0) arrive(queue.taken());
        if (tile < end) {
#pragma unroll
          for (int pair = 0; pair < 2; ++pair) add_up(sums[part / 2], part % 2, numbers[pair], pair);
        }
        await_phase(queue.taken(), turn);
        // All warps have read the part, and what they give is there.
        if (leads) {
          show_writes();  // what the arrivals made known holds for copies too
          if (part + 2 < kParts) bring(at, part + 2);
          else if (has_next) bring(next, part + 2 - kParts);
        }
        if (tile < end) {
          if (warp < 3) take(carries.of(warp + 1, turn), turned);
          else if (has_later) take(carries.of(0, turn - kParts), turned);
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            if (!writes[half]) continue;
            Half *to = of_x[half] + part * kPartChannels;
            store_pair(to, turned.x[half][0], turned.x[half][1]);
            store_pair(to + 8, turned.x[half][2], turned.x[half][3]);
          }
        }
        ++turn;
      }
      at = next;
    }
    int64_t run = run_number(blockIdx.x, runs.first_channel / Sizes::kChannels);
    float *to = gradients.sums + (run * 4 * kGroups + 4 * group + warp) * Sizes::kRows;
#pragma unroll
    for (int part = 0; part < kParts; ++part) {
      int i = lane / 4 % 4, column = part * kPartChannels + lane / 16 * 8 + 2 * quarter + i / 2;
      *reinterpret_cast<float2 *>(to + column * kGeneratedTaps + 2 * (i % 2)) =
          make_float2(sums[part / 2][part % 2 * 2], sums[part / 2][part % 2 * 2 + 1]);
    }
  }
#endif
}

/// The sums of all runs of a block of channels, of a tap a thread.
template <int KR>
__global__ void add_runs(GeneratedConvolutionCall call, GeneratedConvolutionGradients gradients, int blocks) {
  using Sizes = Taps<KR>;
  int block_of_channels = blockIdx.x;
  int64_t tiles = int64_t(call.batch) * call.tiles(), items = call.channels / Sizes::kChannels * tiles;
  int64_t first = block_of_channels * tiles, last = first + tiles;
  // The blocks that have some of [first, last): TileRuns gives block i the items from items · i / blocks on.
  int block = static_cast<int>(first * blocks / items);
  while (items * (block + 1) / blocks <= first) ++block;
  float sum = 0.0f;
  for (; block < blocks && items * block / blocks < last; ++block) {
    const float *from = gradients.sums + run_number(block, block_of_channels) * 4 * kGroups * Sizes::kRows + threadIdx.x;
#pragma unroll
    for (int warp = 0; warp < 4 * kGroups; ++warp) sum += from[warp * Sizes::kRows];
  }
  static_cast<Half *>(gradients.bias)[block_of_channels * Sizes::kRows + threadIdx.x] = rounded<Half>(sum);
}

template <int KR>
cudaError_t launch(const GeneratedConvolutionCall &call, const GeneratedConvolutionGradients &gradients) {
  using Sizes = Taps<KR>;
  constexpr int kBytes = Sizes::kBytes + kGroups * (PartQueue<2>::kBytes + static_cast<int>(sizeof(Carries<Sizes::kParts>)));
  static_assert(kBytes <= kSharedOnHopper);
  auto *kernel = convolve_back<KR>;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
  unsigned blocks = 0;
  if (error == cudaSuccess) error = find_blocks<KR>(call, kGroups, blocks);
  SequenceTiles inputs{}, of_outputs{};
  if (error == cudaSuccess) error = inputs.describe(call.x, call.batch, call.tokens, call.channels, kPartRows);
  int64_t token = call.channels;
  SequenceRows rows{gradients.y, call.tokens * token, token};
  if (error == cudaSuccess) error = of_outputs.describe(rows, call.batch, call.tokens, call.channels, kTileTokens);
  if (error != cudaSuccess) return error;
  kernel<<<blocks, 128 * kGroups, kBytes, call.stream>>>(call, gradients, inputs, of_outputs);
  add_runs<KR><<<call.channels / Sizes::kChannels, Sizes::kRows, 0, call.stream>>>(call, gradients, static_cast<int>(blocks));
  return cudaGetLastError();
}

template <int KR>
int64_t count_sums(const GeneratedConvolutionCall &call) {
  Card card;
  // Of one multiprocessor at least; where the card cannot be found, the launch says so.
  if (Card::find(card) != cudaSuccess) card.multiprocessors = 1;
  using Sizes = Taps<KR>;
  return int64_t(card.multiprocessors + call.channels / Sizes::kChannels) * 4 * kGroups * Sizes::kRows;
}

}  // namespace

int64_t generated_convolution_sums(const GeneratedConvolutionCall &call) {
  return JET_FOR_INNER_WIDTH(call, int64_t, count_sums<KR>(call));
}

cudaError_t generated_convolution_gradients(const GeneratedConvolutionCall &call,
                                            const GeneratedConvolutionGradients &gradients) {
  return JET_FOR_INNER_WIDTH(call, cudaError_t, launch<KR>(call, gradients));
}

}  // namespace jet::cuda
