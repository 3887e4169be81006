// GatedDeltaRuleHopperGradients.cu: the gradients of queries, keys, write strengths and log decays on Hopper's tensor
// cores.
//
// The equations are those of GatedDeltaRuleGradients.cu, but for two things. As U + A U = β X, the gradient of β,
// Y · X + Σ_j dA_ij A_ij / β_i, is Y · U / β, which needs no values. And what dq and dk have along their rows are sums
// that the decays need too: q · N k, say, is the sum of dP P over j.
//
// A block has one chunk of one head after another, and the next slices of value columns on their way, whichever chunk
// they are of. Its first two warpgroups have what is the queries': dO Sᵀ, dO Uᵀ and N; the other two the keys': Y Sᵀ,
// U dS⁺ᵀ, Y Uᵀ and L. Of two, one has the first half of the columns, of keys and of tokens j.

#include <algorithm>

#include "HandOver.cuh"
#include "HopperGradientTiles.cuh"
#include "Launch.cuh"
#include "Silu.cuh"

namespace jet::cuda {
namespace {

#ifdef JET_HAS_WARPGROUPS

// Strengths below this are as good as none: U has nothing to say of them.
constexpr float kFaint = 1e-30f;

/// The thread's place in its warp, read anew: what follows from it need not be kept in registers through the slices.
__device__ inline int lane_now() {
  int lane;
  asm volatile("mov.u32 %0, %%laneid;" : "=r"(lane));
  return lane;
}

__device__ inline float over_warp(float x) {
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) x += __shfl_xor_sync(~0u, x, distance);
  return x;
}

/// What two warpgroups do, the queries' or the keys'.
///
/// - kActivates: whether queries and keys pass silu first.
template <int KP, bool kActivates, bool kOfKeys>
struct Side {
  using Rooms = GradientRooms<KP>;
  static constexpr int kColumns = KP / 2;     // of keys, a warpgroup
  static constexpr int kOthers = kChunk / 2;  // tokens j, a warpgroup
  static constexpr int kAcross = Rooms::kAcross;

  const GradientCopies<KP> &copies;
  GradientSums &sums;
  int group;  // which half of the columns
  int warp;   // which 16 of the tokens

  // Of the warp's tokens: dO Sᵀ or Y Sᵀ, at last dq or dk; U dS⁺ᵀ; dO Uᵀ or Y Uᵀ.
  float gradient[kColumns / 8][4], falls[kColumns / 8][4], square[kOthers / 8][4];

  /// dO of the warp's tokens, 16 value columns of a stage.
  __device__ void load_incoming(uint32_t (&left)[4], const unsigned char *stage, int k) const {
    int lane = threadIdx.x % 32;
    const unsigned char *row = stage + Rooms::kIncoming + (2 * k + lane / 16) * kAcross;
    load_matrices<false>(left, reinterpret_cast<const Half *>(row + (16 * warp + lane % 16) * 16));
  }

  /// Begins the products of 16 value columns of a stage; the queries' take dO.
  __device__ void multiply_slice(const uint32_t (&incoming)[4], uint32_t stage, int k, bool adds) {
    uint64_t memories = shared_factor(stage + Rooms::kMemories + 32 * KP * k + 16 * kColumns * group, 16 * KP, 128);
    uint64_t corrections = shared_factor(stage + Rooms::kCorrections + 2 * kAcross * k, kAcross, 128);
    uint64_t others = further(corrections, 16 * kOthers * group);
    if constexpr (kOfKeys) {
      uint64_t solved = shared_factor(stage + Rooms::kSolved + 2 * kAcross * k, kAcross, 128);
      begin_shared_product<kColumns, true, true>(gradient, solved, memories, adds);
      begin_shared_product<kOthers, true, true>(square, solved, others, adds);
      uint64_t of_memories = further(memories, Rooms::kOfMemories - Rooms::kMemories);
      begin_shared_product<kColumns, true, true>(falls, corrections, of_memories, adds);
    } else {
      begin_product<kColumns, true>(gradient, incoming, memories, adds);
      begin_product<kOthers, true>(square, incoming, others, adds);
    }
  }

  /// The sum of products of a slice of two memories, of this thread's part.
  __device__ static float product_of(const unsigned char *first, const unsigned char *second, int columns) {
    constexpr int kBytes = 2 * Rooms::kSlice * KP, kStep = 16 * Rooms::kThreads;
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < (kBytes + kStep - 1) / kStep; ++i) {
      int at = i * kStep + 16 * threadIdx.x;
      if (at >= 2 * columns * KP) continue;
      uint4 a = *reinterpret_cast<const uint4 *>(first + at), b = *reinterpret_cast<const uint4 *>(second + at);
      const uint32_t x[4] = {a.x, a.y, a.z, a.w}, y[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        float2 u = unpacked(x[n]), v = unpacked(y[n]);
        sum += u.x * v.x + u.y * v.y;
      }
    }
    return sum;
  }

  /// A part of what a chunk's keys and queries have to pass silu, while products run: by the keys' half, which has less
  /// to do for a slice than the queries'.
  __device__ void activate_rows(unsigned char *rows, int turn, int part, int parts) const {
    static_assert(Rooms::kQueries == Rooms::kKeys + kChunk * KP * 2);
    await_phase(copies.rows_there() + turn % 2, turn / 2);
    constexpr int kHalf = Rooms::kThreads / 2;
    uint4 *numbers = reinterpret_cast<uint4 *>(rows + Rooms::kKeys) + threadIdx.x % kHalf;
#pragma unroll 1
    for (int i = part; i < 2 * kChunk * KP / 8 / kHalf; i += parts) numbers[i * kHalf] = silu(numbers[i * kHalf]);
    show_writes();
  }

  /// Begins q · k or k · k of the tokens.
  __device__ void begin_squares(const unsigned char *rows, float (&products)[kOthers / 8][4]) const {
    uint32_t at = shared_address(rows);
    uint64_t left = shared_factor(at + (kOfKeys ? Rooms::kKeys : Rooms::kQueries), kAcross, 128);
    uint64_t right = shared_factor(at + Rooms::kKeys + 16 * kOthers * group, kAcross, 128);
    begin_products();
#pragma unroll
    for (int k = 0; k < KP / 16; ++k)
      begin_shared_product<kOthers, false, false>(products, further(left, 2 * kAcross * k),
                                                  further(right, 2 * kAcross * k), k > 0);
    commit_products();
  }

  /// N or L to shared memory, and its sums over rows and columns.
  __device__ void weigh(const unsigned char *rows, const float (&products)[kOthers / 8][4]) const {
    const Factors &factors = *reinterpret_cast<const Factors *>(rows + Rooms::kFactors);
    int lane = lane_now();
    unsigned char *tile = copies.shared + (kOfKeys ? Rooms::kOfMixing : Rooms::kOfScores);
    float of_column[kOthers / 8][2];
#pragma unroll
    for (int n = 0; n < kOthers / 8; ++n) of_column[n][0] = of_column[n][1] = 0.0f;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      int i = 16 * warp + lane / 4 + 8 * half;
      double decay = factors.decay[i];
      float norm = kOfKeys ? -factors.key_norm[i] : factors.query_norm[i];
      float strength = kOfKeys ? factors.strength[i] : 1.0f, of_row = 0.0f;
#pragma unroll
      for (int n = 0; n < kOthers / 8; ++n) {
        int j = kOthers * group + 8 * n + 2 * (lane % 4);
        float weighed[2] = {0.0f, 0.0f};
        // What is above the diagonal is not used.
        if (kOthers * group + 8 * n <= 16 * warp + 8 * half) {
#pragma unroll
          for (int e = 0; e < 2; ++e) {
            int other = j + e;
            bool counts = kOfKeys ? other < i : other <= i;
            float decayed = __expf(static_cast<float>(decay - factors.decay[other])) * factors.key_norm[other];
            float x = counts ? square[n][2 * half + e] * decayed * norm : 0.0f;
            float sum = x * products[n][2 * half + e];
            of_row += sum;
            of_column[n][e] += strength * sum;
            weighed[e] = strength * x;
            if (kOfKeys && other == i) sums.diagonal[i] = square[n][2 * half + e];
          }
        }
        unsigned char *to = tile + (kOthers / 8 * group + n) * kAcross + i * 16 + lane % 4 * 4;
        store_pair(reinterpret_cast<Half *>(to), weighed[0], weighed[1]);
      }
      of_row = over_quad(of_row);
      if (lane % 4 == 0) sums.of_row[kOfKeys][group][i] = of_row;
    }
#pragma unroll
    for (int n = 0; n < kOthers / 8; ++n) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
#pragma unroll
        for (int distance = 4; distance < 32; distance *= 2)
          of_column[n][e] += __shfl_xor_sync(~0u, of_column[n][e], distance);
      }
      if (lane / 4 == 0)
        store_pair(sums.of_column[kOfKeys][warp] + kOthers * group + 8 * n + 2 * lane, of_column[n][0],
                   of_column[n][1]);
    }
  }

  /// Two numbers side by side of a query or key of the warp, those that the lane has of its sums.
  __device__ float2 own(const unsigned char *rows, int i, int n, int lane) const {
    int column = kColumns / 8 * group + n;
    const unsigned char *from = rows + (kOfKeys ? Rooms::kKeys : Rooms::kQueries) + column * kAcross;
    return unpacked(*reinterpret_cast<const uint32_t *>(from + i * 16 + lane % 4 * 4));
  }

  /// What the memory says of queries or keys.
  __device__ void scale(const unsigned char *rows) {
    const Factors &factors = *reinterpret_cast<const Factors *>(rows + Rooms::kFactors);
    int lane = lane_now();
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      int i = 16 * warp + lane / 4 + 8 * half;
      float rise = kOfKeys ? -factors.rise_key[i] : factors.rise_query[i], rise_sum = 0.0f, fall_sum = 0.0f;
      float fall = factors.fall[i], strength = factors.strength[i];
#pragma unroll
      for (int n = 0; n < kColumns / 8; ++n) {
        float2 x = own(rows, i, n, lane);
        float &low = gradient[n][2 * half], &high = gradient[n][2 * half + 1];
        low *= rise;
        high *= rise;
        rise_sum += x.x * low + x.y * high;
        if constexpr (kOfKeys) {
          float low_fall = falls[n][2 * half] * fall, high_fall = falls[n][2 * half + 1] * fall;
          fall_sum += x.x * low_fall + x.y * high_fall;
          low = low_fall + strength * low;
          high = high_fall + strength * high;
        }
      }
      rise_sum = over_quad(rise_sum);
      if (lane % 4 == 0) sums.rise[kOfKeys][group][i] = rise_sum;
      if constexpr (kOfKeys) {
        fall_sum = over_quad(fall_sum);
        if (lane % 4 == 0) sums.fall[group][i] = fall_sum;
      }
    }
  }

  /// Begins what the tokens say of one another.
  __device__ void begin_others(const unsigned char *rows) {
    uint32_t at = shared_address(rows), tiles = shared_address(copies.shared);
    uint64_t keys = shared_factor(at + Rooms::kKeys + kColumns / 8 * group * kAcross, 128, kAcross);
    uint64_t queries = further(keys, Rooms::kQueries - Rooms::kKeys);
    pin(gradient);
    begin_products();
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      uint32_t tile = tiles + (kOfKeys ? Rooms::kOfMixing : Rooms::kOfScores);
      begin_shared_product<kColumns, false, true>(gradient, shared_factor(tile + 2 * kAcross * k, kAcross, 128),
                                                  further(keys, 256 * k));
      if constexpr (kOfKeys) {
        begin_shared_product<kColumns, true, true>(gradient, shared_factor(tile + 256 * k, 128, kAcross),
                                                   further(keys, 256 * k));
        begin_shared_product<kColumns, true, true>(
            gradient, shared_factor(tiles + Rooms::kOfScores + 256 * k, 128, kAcross), further(queries, 256 * k));
      }
    }
    commit_products();
  }

  /// Numbers as own has them, but before silu.
  __device__ void load_given(uint32_t (&given)[2][kColumns / 8], const ChunkTokens &tokens) const {
    const GatedDeltaRuleCall &call = copies.call;
    const TokenView &view = kOfKeys ? call.key : call.query;
    int lane = lane_now(), first = kColumns * group + 2 * (lane % 4);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      int i = 16 * warp + lane / 4 + 8 * half;
      const Half *row = head_of<Half>(view, tokens.b, tokens.h) + (tokens.first + i) * view.token + first;
#pragma unroll
      for (int n = 0; n < kColumns / 8; ++n) {
        given[half][n] = 0;
        if (i < tokens.count && first + 8 * n < call.key_width)
          given[half][n] = *reinterpret_cast<const uint32_t *>(row + 8 * n);
      }
    }
  }

  /// Writes dq or dk.
  ///
  /// - given: see load_given; of no use where nothing passes silu.
  __device__ void write_rows(const unsigned char *rows, const ChunkTokens &tokens, const float (&along)[2],
                             const uint32_t (&given)[2][kColumns / 8]) {
    const Factors &factors = *reinterpret_cast<const Factors *>(rows + Rooms::kFactors);
    const GatedDeltaRuleCall &call = copies.call;
    int lane = lane_now(), first = kColumns * group + 2 * (lane % 4);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      int i = 16 * warp + lane / 4 + 8 * half;
      if (i >= tokens.count) continue;
      float norm = kOfKeys ? factors.key_norm[i] : factors.query_norm[i] / call.scale;
      float taken = call.normalize ? along[half] * norm * norm : 0.0f;
#pragma unroll
      for (int n = 0; n < kColumns / 8; ++n) {
        float2 x = own(rows, i, n, lane);
        gradient[n][2 * half] -= taken * x.x;
        gradient[n][2 * half + 1] -= taken * x.y;
      }
      if constexpr (kActivates) {
#pragma unroll
        for (int n = 0; n < kColumns / 8; n += 2) {
          float slopes[2][2];
          silu_slopes(slopes, given[half][n], given[half][n + 1]);
#pragma unroll
          for (int e = 0; e < 4; ++e) gradient[n + e / 2][2 * half + e % 2] *= slopes[e / 2][e % 2];
        }
      }
      const GradientRows &places = kOfKeys ? copies.gradients.key : copies.gradients.query;
      Half *to = row_of<Half>(places, tokens.b, tokens.first + i, tokens.h) + first;
#pragma unroll
      for (int n = 0; n < kColumns / 8; ++n) {
        int exist = call.key_width - first - 8 * n;
        float low = gradient[n][2 * half], high = gradient[n][2 * half + 1];
        if (places.are_paired) {
          if (exist > 0) store_pair(to + 8 * n, low, high);
        } else {
          if (exist > 0) to[8 * n] = rounded<Half>(low);
          if (exist > 1) to[8 * n + 1] = rounded<Half>(high);
        }
      }
    }
  }

  /// Writes the gradients of log decays. By one warp, whose lane i has tokens 2i and 2i + 1.
  __device__ void write_decays(const Factors &factors, const ChunkTokens &tokens) const {
    int lane = lane_now();
    float of_decay[2], falls = 0.0f;
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      int i = 2 * lane + e;
      of_decay[e] =
          sums.along_query(i) + factors.strength[i] * sums.with_strength(i) - sums.of_fall(i) - sums.of_columns(i);
      falls += sums.of_fall(i);
    }
    // G is the sum of all log decays, g_i of those up to i.
    float of_total = over_warp(falls) + factors.total[0] * over_warp(lane < 16 ? sums.of_memory[lane] : 0.0f);
    float from_here = of_decay[0] + of_decay[1];
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2) {
      float later = __shfl_down_sync(~0u, from_here, distance);
      if (lane + distance < 32) from_here += later;
    }
    float later = __shfl_down_sync(~0u, from_here, 1);
    if (lane == 31) later = 0.0f;
    write_pair(copies.gradients.log_decay, tokens, of_total + from_here, of_total + (later + of_decay[1]));
  }

  /// Writes the gradients of write strengths. By one warp as well.
  __device__ void write_strengths(const Factors &factors, const ChunkTokens &tokens, int chunk) const {
    int lane = lane_now();
    float of_strength[2];
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      int i = 2 * lane + e;
      float strength = factors.strength[i];
      bool is_faint = fabsf(strength) < kFaint;
      of_strength[e] = is_faint ? sums.with_strength(i) : sums.diagonal[i] / strength;
      uint32_t faint = __ballot_sync(~0u, is_faint && i < tokens.count);
      for (; faint; faint &= faint - 1) {
        int of = __ffs(faint) - 1;
        float of_values = product_with_value(tokens, chunk, 2 * of + e);
        if (lane == of) of_strength[e] += of_values;
      }
    }
    write_pair(copies.gradients.write_strength, tokens, of_strength[0], of_strength[1]);
  }

  /// Y · v of a token. By one warp.
  __device__ float product_with_value(const ChunkTokens &tokens, int chunk, int token) const {
    const GatedDeltaRuleCall &call = copies.call;
    const Half *values = head_of<Half>(call.value, tokens.b, tokens.h) + (tokens.first + token) * call.value.token;
    Blocks<const Half> solved{
        static_cast<const Half *>(copies.gradients.solved) + int64_t(chunk) * copies.padded_width * kChunk, kChunk / 8};
    float sum = 0.0f;
    for (int v = threadIdx.x % 32; v < call.value_width; v += 32)
      sum += number(values[v]) * number(*solved.at(v, token));
    return over_warp(sum);
  }

  /// Writes the numbers of tokens 2 · lane and 2 · lane + 1.
  __device__ void write_pair(float *to, const ChunkTokens &tokens, float first, float second) const {
    const GatedDeltaRuleCall &call = copies.call;
    int i = threadIdx.x % 32 * 2;
    float *place = to + (int64_t(tokens.b) * call.tokens + tokens.first + i) * call.heads + tokens.h;
    if (i < tokens.count) place[0] = first;
    if (i + 1 < tokens.count) place[call.heads] = second;
  }

  __device__ void run() {
    int stage = 0, use = 0;
    auto next = copies.ahead(blockIdx.x);
    if constexpr (!kOfKeys) {
      for (int i = 0; i < Rooms::kCount; ++i) copies.bring_slice(next, i);
    }
    copies.template bring_rows<kOfKeys>(blockIdx.x, 0);
    for (int chunk = blockIdx.x, turn = 0; chunk < copies.total; chunk += gridDim.x, ++turn) {
      unsigned char *rows = copies.shared + turn % 2 * Rooms::kRows;
      float of_memory = 0.0f;
      for (int slice = 0; slice < copies.padded_width; slice += Rooms::kSlice) {
        int columns = min(Rooms::kSlice, copies.padded_width - slice);
        const unsigned char *tile = copies.shared + Rooms::kStages + stage * Rooms::kStage;
        uint32_t at = shared_address(tile);
        await_phase(copies.slices_there() + stage, use);
        uint32_t incoming[2][4];
        if constexpr (!kOfKeys) {
          load_incoming(incoming[0], tile, 0);
          load_incoming(incoming[1], tile, 1);
          pin(incoming);
        } else pin(falls);
        pin(gradient);
        pin(square);
        begin_products();
        multiply_slice(incoming[0], at, 0, slice > 0);
        if (columns > 16) multiply_slice(incoming[1], at, 1, true);
        commit_products();
        if constexpr (kOfKeys && kActivates)
          activate_rows(rows, turn, slice / Rooms::kSlice, (copies.padded_width + Rooms::kSlice - 1) / Rooms::kSlice);
        of_memory += product_of(tile + Rooms::kMemories, tile + Rooms::kOfMemories, columns);
        wait_products<0>();
        pin(gradient);
        pin(square);
        if constexpr (kOfKeys) pin(falls);
        else pin(incoming);
        // All have done with the slice, and with the rows of the chunk before this one.
        meet(1, Rooms::kThreads);
        if (slice == 0) copies.template bring_rows<kOfKeys>(chunk + gridDim.x, (turn + 1) % 2);
        if constexpr (!kOfKeys) copies.bring_slice(next, stage);
        if (++stage == Rooms::kCount) {
          stage = 0;
          ++use;
        }
      }

      const Factors &factors = *reinterpret_cast<const Factors *>(rows + Rooms::kFactors);
      await_phase(copies.rows_there() + turn % 2, turn / 2);
      show_writes();
      float products[kOthers / 8][4];
      begin_squares(rows, products);
      scale(rows);
      wait_products<0>();
      pin(products);
      weigh(rows, products);
      of_memory = over_warp(of_memory);
      if (threadIdx.x % 32 == 0) sums.of_memory[threadIdx.x / 32] = of_memory;
      show_writes();
      meet(1, Rooms::kThreads);

      begin_others(rows);
      float along[2];
      int lane = lane_now();
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        int i = 16 * warp + lane / 4 + 8 * half;
        along[half] = kOfKeys ? factors.strength[i] * sums.with_strength(i) + sums.of_fall(i) + sums.of_columns(i)
                              : sums.along_query(i);
      }
      ChunkTokens tokens(copies.call, chunk);
      uint32_t given[2][kColumns / 8];
      if constexpr (kActivates) load_given(given, tokens);
      wait_products<0>();
      pin(gradient);
      write_rows(rows, tokens, along, given);
      if constexpr (!kOfKeys) {
        if (warp == 0 && group == 0) write_decays(factors, tokens);
        if (warp == 0 && group == 1) write_strengths(factors, tokens, chunk);
      }
    }
  }
};

#endif

template <int KP, bool kActivates>
__global__ void __launch_bounds__(GradientRooms<KP>::kThreads, 1)
    gradients_on_hopper(GatedDeltaRuleCall call, Replay replay, GatedDeltaRuleGradients gradients, int total,
                        bool aligned_rows, bool aligned_incoming) {
#ifdef JET_HAS_WARPGROUPS
  using Rooms = GradientRooms<KP>;
  extern __shared__ __align__(128) unsigned char shared[];
  GradientCopies<KP> copies{call,         replay,          gradients, shared, total, (call.value_width + 15) / 16 * 16,
                            aligned_rows, aligned_incoming};
  copies.start();
  __syncthreads();
  GradientSums &sums = *reinterpret_cast<GradientSums *>(shared + Rooms::kSums);
  int warp = __shfl_sync(~0u, threadIdx.x / 32, 0);
  if (warp < 8) Side<KP, kActivates, false>{copies, sums, warp / 4 % 2, warp % 4}.run();
  else Side<KP, kActivates, true>{copies, sums, warp / 4 % 2, warp % 4}.run();
#endif
}

template <int KP>
cudaError_t launch(const GatedDeltaRuleCall &call, const Replay &replay, const GatedDeltaRuleGradients &gradients) {
  using Rooms = GradientRooms<KP>;
  Card card;
  cudaError_t error = Card::find(card);
  if (error != cudaSuccess) return error;
  auto *kernel = call.activate ? gradients_on_hopper<KP, true> : gradients_on_hopper<KP, false>;
  error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Rooms::kBytes);
  if (error != cudaSuccess) return error;
  int total = call.batch * call.heads * call.chunks();
  kernel<<<std::min(total, card.multiprocessors), Rooms::kThreads, Rooms::kBytes, call.stream>>>(
      call, replay, gradients, total,
      is_aligned(call.key, call.key_width, 2) && is_aligned(call.query, call.key_width, 2),
      is_aligned(gradients.out, call.value_width, 2));
  return cudaGetLastError();
}

}  // namespace

cudaError_t gated_delta_rule_follow_gradients(const GatedDeltaRuleCall &call, const Replay &replay,
                                              const GatedDeltaRuleGradients &gradients) {
  switch (padded_key_width(call.key_width)) {
    case 64: return launch<64>(call, replay, gradients);
    case 96: return launch<96>(call, replay, gradients);
    case 128: return launch<128>(call, replay, gradients);
    default: return cudaErrorNotSupported;
  }
}

}  // namespace jet::cuda
