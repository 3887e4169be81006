// GatedDeltaRuleTransitions.cu: the transitions of every chunk of every head at once (see Transition.cuh).
//
// A warp makes whole rows of [F; R] and, from these, of [M; N]: 16 keys or 16 tokens at a time; of the corrections T β
// stands in the place of R. P, T and exp(G − g) T are taken as two bfloat16 parts each, so that F and R are exact but
// for their own rounding. β comes last, as F and R have none on the way back: so all purposes get the same bits.

#include "ChunkSquares.cuh"
#include "Launch.cuh"
#include "SolvedTiles.cuh"
#include "TokenColumns.cuh"
#include "Transition.cuh"

namespace jet::cuda {
namespace {

/// T, and the same with its rows multiplied by exp(G − g), both transposed tile by tile.
struct SolvedTiles {
  Tile solved[kTriangle], falling[kTriangle];

  /// Takes the blocks of a warp's 16 columns.
  __device__ void take(const float (&blocks)[4][2][4], const Factors &factors) {
    int column = threadIdx.x / 32, lane = threadIdx.x % 32;
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      int row = column + step;
      if (row > 3) break;
      int at = triangle_place(row, column);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float *pair = blocks[step][i / 2] + i % 2 * 2;
        float2 fall = *reinterpret_cast<const float2 *>(factors.fall + 16 * row + i / 2 * 8 + 2 * (lane % 4));
        TwoParts parts;
        parts.take_pair(i, pair[0], pair[1]);
        solved[at].store(i, parts.high.r[i], parts.low.r[i]);
        parts.take_pair(i, pair[0] * fall.x, pair[1] * fall.y);
        falling[at].store(i, parts.high.r[i], parts.low.r[i]);
      }
    }
  }
};

/// 16 rows of R from those of P, of which columns beyond 16 · last + 15 are zero.
__device__ inline void multiply_scores(float (&sums)[8][4], const TwoParts (&rows)[4], int last, const Tile *solved) {
  clear(sums);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    if (k > last) continue;
#pragma unroll
    for (int n = 0; n <= k; ++n) {
      Right<Half> right;
      Tile::load<false>(right.r, solved[triangle_place(k, n)].low);
      multiply(sums[2 * n], sums[2 * n + 1], rows[k].high, right);
      Tile::load<false>(right.r, solved[triangle_place(k, n)].high);
      multiply(sums[2 * n], sums[2 * n + 1], rows[k].low, right);
      multiply(sums[2 * n], sums[2 * n + 1], rows[k].high, right);
    }
  }
}

/// 16 rows of F from the same columns of the keys.
__device__ inline void multiply_falling(float (&sums)[8][4], const Half *keys, int stride, int key,
                                        const Tile *falling) {
  clear(sums);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    Left<Half> left;
    load_transposed(left, keys, stride, 16 * k, key);
#pragma unroll
    for (int n = 0; n <= k; ++n) {
      Right<Half> right;
      Tile::load<false>(right.r, falling[triangle_place(k, n)].low);
      multiply(sums[2 * n], sums[2 * n + 1], left, right);
      Tile::load<false>(right.r, falling[triangle_place(k, n)].high);
      multiply(sums[2 * n], sums[2 * n + 1], left, right);
    }
  }
}

/// Subtracts 16 rows of F or R times exp(g) K.
template <int KP>
__device__ inline void subtract_keys(float (&sums)[KP / 8][4], const float (&rows)[8][4], int last, const Half *keys,
                                     const float *rise) {
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    if (k > last) continue;
    Left<Half> left;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float (&pair)[4] = rows[2 * k + i / 2];
      float2 factor = *reinterpret_cast<const float2 *>(rise + 16 * k + i / 2 * 8 + 2 * (threadIdx.x % 4));
      left.r[i] = packed(-pair[i % 2 * 2] * factor.x, -pair[i % 2 * 2 + 1] * factor.y);
    }
#pragma unroll
    for (int n = 0; n < KP / 16; ++n) {
      Right<Half> right;
      load(right, keys, Record<Half, KP>::kKeyStride, 16 * k, 16 * n);
      multiply(sums[2 * n], sums[2 * n + 1], left, right);
    }
  }
}

/// 16 rows of T, as sums.
__device__ inline void take_solved(float (&rows)[8][4], int row, const Tile *solved) {
  clear(rows);
#pragma unroll
  for (int n = 0; n < 4; ++n) {
    if (n > row) continue;
    uint32_t high[4], low[4];
    Tile::load<true>(high, solved[triangle_place(row, n)].high);
    Tile::load<true>(low, solved[triangle_place(row, n)].low);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      float *pair = rows[2 * n + i / 2] + i % 2 * 2;
      float2 most = unpacked(high[i]), rest = unpacked(low[i]);
      pair[0] = most.x + rest.x;
      pair[1] = most.y + rest.y;
    }
  }
}

/// Writes 8 rows × 8 columns, of which the lane has two of row lane / 4, to rows of a group of a transition.
__device__ inline void store_group(unsigned char *matrix, int rows, int group, int first_row, float low, float high) {
  int lane = threadIdx.x % 32;
  unsigned char *to = matrix + (group * rows + first_row + lane / 4) * 16 + lane % 4 * 4;
  store_pair(reinterpret_cast<Half *>(to), low, high);
}
/// The same of the transpose.
__device__ inline void store_transposed(unsigned char *matrix, int rows, int group, int first_row, float low,
                                        float high) {
  int lane = threadIdx.x % 32;
  unsigned char *to = matrix + (group * rows + first_row + lane / 4) * 16 + lane % 4 * 4;
  *reinterpret_cast<uint32_t *>(to) = transposed(packed(low, high));
}

/// Shared memory beside keys and queries: what makes T, then T.
union Tiles {
  SolveTiles solve;
  SolvedTiles solved;
};

/// A matrix of a transition, of `rows` rows: where a warp's sums of 16 rows go, or their transpose, from a group of
/// eight columns and a row on; `count` of the sums' blocks.
struct Groups {
  unsigned char *matrix;
  int rows;

  template <int N>
  __device__ void store(int group, int row, const float (&sums)[N][4], int count = N) const {
#pragma unroll
    for (int n = 0; n < N; ++n) {
      if (n >= count) continue;
#pragma unroll
      for (int half = 0; half < 2; ++half)
        store_group(matrix, rows, group + n, row + 8 * half, sums[n][2 * half], sums[n][2 * half + 1]);
    }
  }
  template <int N>
  __device__ void store_transpose(int group, int row, const float (&sums)[N][4], int count = N) const {
#pragma unroll
    for (int n = 0; n < N; ++n) {
      if (n >= count) continue;
#pragma unroll
      for (int half = 0; half < 2; ++half)
        store_transposed(matrix, rows, group + half, row + 8 * n, sums[n][2 * half], sums[n][2 * half + 1]);
    }
  }
};

/// The transitions of a chunk: of the outputs; or, for gradients, of the way back, and what a training walk needs
/// beside these.
template <int KP, bool kGradients>
__global__ void __launch_bounds__(kPreparers, KP <= 96 ? 4 : 3)
    transitions(GatedDeltaRuleCall call, void *back_records, Factors *left, bool aligned_keys, bool aligned_queries) {
  using Layout = Transition<KP>;
  constexpr int kStride = Record<Half, KP>::kKeyStride;
  extern __shared__ __align__(128) unsigned char shared[];
  __shared__ __align__(16) Factors factors;
  __shared__ __align__(16) Spans spans;
  Half *keys = reinterpret_cast<Half *>(shared), *queries = keys + kChunk * kStride;
  Tiles &tiles = *reinterpret_cast<Tiles *>(queries + kChunk * kStride);
  ChunkInputs<Half, KP> inputs{keys, queries, factors, spans};

  int chunks = call.chunks();
  inputs.template load<true>(call, blockIdx.x / chunks, blockIdx.x % chunks, aligned_keys, aligned_queries);
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  float rows[8][4];
  TwoParts parts[4];
  {
    float mixing[8][4];
    inputs.mix(call, mixing, rows);
    tiles.solve.take(mixing);
  }
#pragma unroll
  for (int k = 0; k < 4; ++k) parts[k].take(rows[2 * k], rows[2 * k + 1]);
  __syncthreads();
  if constexpr (kGradients) {
    for (int i = threadIdx.x; i < int(sizeof(Factors) / 16); i += kPreparers)
      reinterpret_cast<uint4 *>(left + blockIdx.x)[i] = reinterpret_cast<const uint4 *>(&factors)[i];
  }
  tiles.solve.invert_diagonal();
  __syncthreads();
  if (threadIdx.x < kChunk) factors.rise_key[threadIdx.x] *= factors.strength[threadIdx.x];
  float solved[4][2][4];
  tiles.solve.solve(solved);
  __syncthreads();
  tiles.solved.take(solved, factors);
  __syncthreads();

  // What both directions have, and what each of them has.
  unsigned char *both =
      static_cast<unsigned char *>(kGradients ? back_records : call.records) + int64_t(blockIdx.x) * Layout::kBytes;
  unsigned char *back = both + Layout::kBoth, *forth = back;
  if constexpr (kGradients) forth = static_cast<unsigned char *>(call.records) + int64_t(blockIdx.x) * Layout::kTwo;
  // Of the tokens whose scores the warp has.
  int token = 16 * warp, turned = Layout::reordered(token), step = turned / 16;
  float sums[KP / 8][4];
  auto store_pass = [&](int place) {
#pragma unroll
    for (int n = 0; n < 8; ++n) {
      if (n / 2 > warp) continue;
#pragma unroll
      for (int half = 0; half < 2; ++half)
        store_group(forth + place + Layout::pass(n / 2), Layout::pass_rows(n / 2), n % 2, turned + 8 * half,
                    rows[n][2 * half], rows[n][2 * half + 1]);
    }
  };
  multiply_scores(rows, parts, warp, tiles.solved.solved);
  if constexpr (kGradients)
    Groups{back + Layout::kPass + Layout::pass(step), Layout::pass_rows(step)}.store_transpose(0, 0, rows,
                                                                                               2 * warp + 2);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int row = token + 8 * half + lane / 4;
    float rise = factors.rise_query[row];
    const Half *query = queries + row * kStride + 2 * (lane % 4);
#pragma unroll
    for (int n = 0; n < KP / 8; ++n) {
      float2 pair = unpacked(*reinterpret_cast<const uint32_t *>(query + 8 * n));
      sums[n][2 * half] = rise * pair.x;
      sums[n][2 * half + 1] = rise * pair.y;
    }
  }
  subtract_keys<KP>(sums, rows, warp, keys, factors.rise_key);
  scale_columns(rows, factors.strength);
  store_pass(Layout::kPass);
  Groups{both + Layout::kRead, kChunk}.store(0, turned, sums);
  if constexpr (kGradients) {
    take_solved(rows, warp, tiles.solved.solved);
    clear(sums);
    subtract_keys<KP>(sums, rows, warp, keys, factors.rise_key);
    scale_columns(rows, factors.strength);
    store_pass(Layout::kPassCorrections);
    Groups{forth + Layout::kReadCorrections, kChunk}.store(0, turned, sums);
  }

  // Of the keys.
  for (int key = 16 * warp; key < KP; key += 64) {
    multiply_falling(rows, keys, kStride, key, tiles.solved.falling);
    clear(sums);
    subtract_keys<KP>(sums, rows, 3, keys, factors.rise_key);
    Groups{both + Layout::kErase, KP}.store(0, key, sums);
    if constexpr (kGradients) Groups{back + Layout::kWrite, kChunk}.store_transpose(key / 8, 0, rows);
    scale_columns(rows, factors.strength);
    Groups{forth + Layout::kWrite, KP}.store(0, key, rows);
  }

  if (threadIdx.x < 4) reinterpret_cast<float *>(both + Layout::kTotal)[threadIdx.x] = factors.total[threadIdx.x];
  if (threadIdx.x < kChunk)
    reinterpret_cast<float *>(both + Layout::kStrength)[threadIdx.x] = factors.strength[threadIdx.x];
}

template <int KP, bool kGradients>
cudaError_t launch(const GatedDeltaRuleCall &call, void *back_records, void *factors) {
  int bytes = 2 * kChunk * Record<Half, KP>::kKeyStride * sizeof(Half) + sizeof(Tiles);
  auto *kernel = transitions<KP, kGradients>;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error != cudaSuccess) return error;
  int64_t blocks = int64_t(call.batch) * call.heads * call.chunks();
  kernel<<<static_cast<unsigned>(blocks), kPreparers, bytes, call.stream>>>(
      call, back_records, static_cast<Factors *>(factors), is_aligned(call.key, call.key_width, sizeof(Half)),
      is_aligned(call.query, call.key_width, sizeof(Half)));
  return cudaGetLastError();
}

template <bool kGradients>
cudaError_t launch_width(const GatedDeltaRuleCall &call, void *back_records, void *factors) {
  switch (padded_key_width(call.key_width)) {
    case 64: return launch<64, kGradients>(call, back_records, factors);
    case 96: return launch<96, kGradients>(call, back_records, factors);
    case 128: return launch<128, kGradients>(call, back_records, factors);
    default: return cudaErrorNotSupported;
  }
}

}  // namespace

bool has_transitions(const GatedDeltaRuleCall &call) {
  return call.half && padded_key_width(call.key_width) <= 128 && is_hopper();
}

bool applies_silu(const GatedDeltaRuleCall &call) {
  return has_transitions(call) && is_aligned(call.query, call.key_width, sizeof(Half)) &&
         is_aligned(call.key, call.key_width, sizeof(Half));
}

int64_t transition_bytes(int key_width) {
  switch (padded_key_width(key_width)) {
    case 64: return Transition<64>::kBytes;
    case 96: return Transition<96>::kBytes;
    default: return Transition<128>::kBytes;
  }
}

int64_t training_transition_bytes(int key_width) {
  switch (padded_key_width(key_width)) {
    case 64: return Transition<64>::kTwo;
    case 96: return Transition<96>::kTwo;
    default: return Transition<128>::kTwo;
  }
}

int64_t factor_bytes() { return sizeof(Factors); }

cudaError_t gated_delta_rule_transitions(const GatedDeltaRuleCall &call) {
  return launch_width<false>(call, nullptr, nullptr);
}
cudaError_t gated_delta_rule_training_transitions(const GatedDeltaRuleCall &call, void *back_records, void *factors) {
  return launch_width<true>(call, back_records, factors);
}

}  // namespace jet::cuda
