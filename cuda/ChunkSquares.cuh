// ChunkSquares.cuh: the squares of a chunk, A, P and T = (I + A)⁻¹ (see GatedDeltaRule.h), by one block of 128 threads.
#pragma once

#include "Record.cuh"
#include "Silu.cuh"

namespace jet::cuda {

/// Threads of a block that prepares a chunk.
constexpr int kPreparers = 128;
/// Columns from row to row of A and T.
constexpr int kSolveStride = kChunk + 4;

/// Begins to bring rows of a head to shared memory; what is beyond `count` rows or `width` columns is zero.
template <typename T, int KP>
__device__ inline void load_rows(T *tile, const T *from, int64_t stride, int count, int width, bool aligned) {
  constexpr int kStride = Record<T, KP>::kKeyStride;
  constexpr int kVector = 16 / sizeof(T);
  if (aligned) {
    // Four threads a row.
    int column = threadIdx.x % 4 * kVector;
#pragma unroll
    for (int pass = 0; pass < kChunk * 4 / kPreparers; ++pass) {
      int row = kPreparers / 4 * pass + threadIdx.x / 4;
      const T *numbers = from + row * stride + column;
      uint32_t to = static_cast<uint32_t>(__cvta_generic_to_shared(tile + row * kStride + column));
#pragma unroll
      for (int i = 0; i < KP; i += 4 * kVector) {
        bool exists = row < count && column + i < width;
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to + i * int(sizeof(T))),
                     "l"(exists ? numbers + i : from), "r"(exists ? 16 : 0)
                     : "memory");
      }
    }
  } else {
    for (int i = threadIdx.x; i < kChunk * KP; i += kPreparers) {
      int row = i / KP;
      int column = i % KP;
      tile[row * kStride + column] = row < count && column < width ? from[row * stride + column] : rounded<T>(0.0f);
    }
  }
}

/// Puts silu in the place of what this thread brought of aligned rows, which is there.
template <int KP>
__device__ inline void activate_rows(Half *tile) {
  Half *row = tile + threadIdx.x / 4 * Record<Half, KP>::kKeyStride + threadIdx.x % 4 * 8;
#pragma unroll
  for (int pass = 0; pass < kChunk * 4 / kPreparers; ++pass) {
#pragma unroll
    for (int i = 0; i < KP; i += 32) {
      uint4 *place = reinterpret_cast<uint4 *>(row + kPreparers / 4 * pass * Record<Half, KP>::kKeyStride + i);
      *place = silu(*place);
    }
  }
}

/// Sums of log decays, by one warp; lane i has tokens 2i and 2i + 1.
__device__ inline void sum_decays(Factors &factors, const float *from, int64_t stride, int count) {
  int lane = threadIdx.x;
  double decay[2];
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    int token = 2 * lane + i;
    float given = token < count ? from[token * stride] : 0.0f;
    // Differences of infinite sums would be no numbers; what is no number stays so.
    decay[i] = given < -1000.0f ? -1000.0f : given;
  }
  double sum = decay[0] + decay[1];
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    double before = __shfl_up_sync(~0u, sum, distance);
    if (lane >= distance) sum += before;
  }
  factors.decay[2 * lane] = sum - decay[1];
  factors.decay[2 * lane + 1] = sum;
}

/// Decays between the tokens of a chunk and the first token of each block of 16, so that those of tokens in different
/// blocks are products.
struct Spans {
  float of[kChunk / 16][kChunk];  // from token j to 16 · b, or from 16 · b to a later token j
};

/// A chunk's keys, queries and factors in shared memory.
template <typename T, int KP>
struct ChunkInputs {
  static constexpr int kStride = Record<T, KP>::kKeyStride;
  T *keys;
  T *queries;
  Factors &factors;
  Spans &spans;

  /// Reads chunk `chunk` of head `sequence`; all threads see what was read.
  ///
  /// - kMayActivate: whether `call` may say that queries and keys pass silu.
  template <bool kMayActivate>
  __device__ void load(const GatedDeltaRuleCall &call, int sequence, int chunk, bool aligned_keys,
                       bool aligned_queries) const {
    int b = sequence / call.heads, h = sequence % call.heads;
    int first = chunk * kChunk;
    int count = min(kChunk, call.tokens - first);
    load_rows<T, KP>(keys, head_of<T>(call.key, b, h) + first * call.key.token, call.key.token, count, call.key_width,
                     aligned_keys);
    load_rows<T, KP>(queries, head_of<T>(call.query, b, h) + first * call.query.token, call.query.token, count,
                     call.key_width, aligned_queries);
    if (threadIdx.x < 32) {
      sum_decays(factors, head_of<float>(call.log_decay, b, h) + first * call.log_decay.token, call.log_decay.token,
                 count);
    } else if (threadIdx.x >= 64) {
      int token = threadIdx.x - 64;
      const float *from = head_of<float>(call.write_strength, b, h) + first * call.write_strength.token;
      factors.strength[token] = token < count ? from[token * call.write_strength.token] : 0.0f;
    }
    asm volatile("cp.async.wait_all;" ::: "memory");
    if constexpr (kMayActivate) {
      if (call.activate) {
        activate_rows<KP>(keys);
        activate_rows<KP>(queries);
      }
    }
    __syncthreads();

#pragma unroll
    for (int i = threadIdx.x; i < kChunk / 16 * kChunk; i += kPreparers) {
      int block = i / kChunk, token = i % kChunk;
      double distance = factors.decay[token] - factors.decay[16 * block];
      spans.of[block][token] = expf(static_cast<float>(token < 16 * block ? -distance : distance));
    }
  }

  /// Returns A and P; a warp has 16 rows of both. Completes the factors; all threads have to meet before others read
  /// them.
  __device__ void mix(const GatedDeltaRuleCall &call, float (&mixing)[8][4], float (&scores)[8][4]) const {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float of_queries[2][4];
    clear(mixing);
    clear(scores);
    clear(of_queries);
    for (int k = 0; k < KP; k += 16) {
      Left<T> key_rows, query_rows;
      Right<T> columns;
      jet::cuda::load(key_rows, keys, kStride, 16 * warp, k);
      jet::cuda::load(query_rows, queries, kStride, 16 * warp, k);
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        if (n > warp) continue;
        load_transposed(columns, keys, kStride, 16 * n, k);
        multiply(mixing[2 * n], mixing[2 * n + 1], key_rows, columns);
        multiply(scores[2 * n], scores[2 * n + 1], query_rows, columns);
      }
      load_transposed(columns, queries, kStride, 16 * warp, k);
      multiply(of_queries[0], of_queries[1], query_rows, columns);
    }
    take_norms(call, mixing, of_queries);
    __syncthreads();
    finish_factors();

    // What rows are multiplied by, and beside columns of other blocks.
    float key_norm[2], query_norm[2], far_key[2], far_query[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      int row = 16 * warp + lane / 4 + 8 * half;
      key_norm[half] = factors.key_norm[row] * factors.strength[row];
      query_norm[half] = factors.query_norm[row];
      far_key[half] = key_norm[half] * spans.of[warp][row];
      far_query[half] = query_norm[half] * spans.of[warp][row];
    }
    // What columns of the warp's own block are.
    float own[2][4];
#pragma unroll
    for (int n = 0; n < 2; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        int row = 16 * warp + lane / 4 + 8 * (i / 2), column = 16 * warp + 8 * n + 2 * (lane % 4) + i % 2;
        float distance = static_cast<float>(factors.decay[row] - factors.decay[column]);
        own[n][i] = expf(column <= row ? distance : -INFINITY) * factors.key_norm[column];
      }
    }
#pragma unroll
    for (int n = 0; n < 8; ++n) {
      if (n / 2 > warp) continue;
      int column = 8 * n + 2 * (lane % 4);
      if (n / 2 == warp) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          int row = 16 * warp + lane / 4 + 8 * (i / 2), j = column + i % 2;
          mixing[n][i] = j < row ? mixing[n][i] * own[n % 2][i] * key_norm[i / 2] : 0.0f;
          scores[n][i] = j <= row ? scores[n][i] * own[n % 2][i] * query_norm[i / 2] : 0.0f;
        }
      } else {
        float2 until = *reinterpret_cast<const float2 *>(spans.of[warp] + column);
        float2 norm = *reinterpret_cast<const float2 *>(factors.key_norm + column);
        until.x *= norm.x;
        until.y *= norm.y;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          float decay = i % 2 ? until.y : until.x;
          mixing[n][i] = mixing[n][i] * decay * far_key[i / 2];
          scores[n][i] = scores[n][i] * decay * far_query[i / 2];
        }
      }
    }
  }

 private:
  /// Lengths of the warp's rows, from the diagonals of K Kᵀ and Q Qᵀ.
  __device__ void take_norms(const GatedDeltaRuleCall &call, const float (&of_keys)[8][4],
                             const float (&of_queries)[2][4]) const {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int place = lane / 4 - 2 * (lane % 4);
    if (place != 0 && place != 1) return;
    float sums[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        if (n == warp) sums[half] = place == 0 ? of_keys[2 * n + half][2 * half] : of_keys[2 * n + half][2 * half + 1];
      }
      float of_query = place == 0 ? of_queries[half][2 * half] : of_queries[half][2 * half + 1];
      int row = 16 * warp + lane / 4 + 8 * half;
      factors.key_norm[row] = call.normalize ? rsqrtf(sums[half] + 1e-6f) : 1.0f;
      factors.query_norm[row] = (call.normalize ? rsqrtf(of_query + 1e-6f) : 1.0f) * call.scale;
    }
  }

  __device__ void finish_factors() const {
    if (threadIdx.x >= kChunk) return;
    int token = threadIdx.x;
    double decay = factors.decay[token], last = factors.decay[kChunk - 1];
    float rise = expf(static_cast<float>(decay));
    factors.rise_key[token] = rise * factors.key_norm[token];
    factors.rise_query[token] = rise * factors.query_norm[token];
    factors.fall[token] = expf(static_cast<float>(last - decay)) * factors.key_norm[token];
    if (token < 4) factors.total[token] = expf(static_cast<float>(last));
  }
};

/// A column of (I + A)⁻¹ for a block of 16 × 16 on the diagonal, by forward substitution.
__device__ inline void solve_column(float (&solved)[16], const float *block, int stride, int column) {
#pragma unroll
  for (int i = 0; i < 16; ++i) {
    float sums[4] = {i == column ? 1.0f : 0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
    for (int j = 0; j < i; j += 4) {
      float4 four = *reinterpret_cast<const float4 *>(block + i * stride + j);
      sums[0] -= four.x * solved[j];
      if (j + 1 < i) sums[1] -= four.y * solved[j + 1];
      if (j + 2 < i) sums[2] -= four.z * solved[j + 2];
      if (j + 3 < i) sums[3] -= four.w * solved[j + 3];
    }
    solved[i] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }
}

/// The blocks on the diagonal in place, two a warp.
__device__ inline void invert_diagonal(float *square) {
  int at = threadIdx.x / 16 * 16, column = threadIdx.x % 16;
  float *block = square + at * kSolveStride + at;
  float solved[16];
  solve_column(solved, block, kSolveStride, column);
  __syncwarp();
#pragma unroll
  for (int i = 0; i < 16; ++i) block[i * kSolveStride + column] = solved[i];
}

/// Writes −x to the 16 × 16 block at a row and a column.
__device__ inline void store_negative(float *square, int row, int column, const float (&x)[2][4]) {
  int lane = threadIdx.x % 32;
  float *to = square + (row + lane / 4) * kSolveStride + column + 2 * (lane % 4);
#pragma unroll
  for (int n = 0; n < 2; ++n) {
    store_pair(to + 8 * n, -x[n][0], -x[n][1]);
    store_pair(to + 8 * kSolveStride + 8 * n, -x[n][2], -x[n][3]);
  }
}

/// Puts (I + A)⁻¹ in the place of A, of which all is there, zeros included. All threads see the result.
///
/// With I + A = [[L, 0], [B, M]], the inverse is [[L⁻¹, 0], [−M⁻¹ B L⁻¹, M⁻¹]]: blocks of 16 rows first, then of 32,
/// then all. The products are float32's of Mma.cuh.
__device__ inline void invert(float *square) {
  int warp = threadIdx.x / 32;
  if (warp < 2) invert_diagonal(square);
  __syncthreads();
  Left<float> left;
  Right<float> right;
  if (warp < 2) {
    int above = 32 * warp, below = above + 16;
    float half[2][4], product[2][4];
    clear(half);
    clear(product);
    load(left, square, kSolveStride, below, below);
    load(right, square, kSolveStride, below, above);
    multiply(half[0], half[1], left, right);
    take(left, half[0], half[1]);
    load(right, square, kSolveStride, above, above);
    multiply(product[0], product[1], left, right);
    __syncwarp();
    store_negative(square, below, above, product);
  }
  __syncthreads();
  int row = 2 + warp / 2, column = warp % 2;
  float half[4][4], product[2][4];
  clear(half);
  clear(product);
  for (int k = 2; k <= row; ++k) {
    load(left, square, kSolveStride, 16 * row, 16 * k);
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      if (n < column) continue;
      load(right, square, kSolveStride, 16 * k, 16 * n);
      multiply(half[2 * n], half[2 * n + 1], left, right);
    }
  }
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    if (k < column) continue;
    take(left, half[2 * k], half[2 * k + 1]);
    load(right, square, kSolveStride, 16 * k, 16 * column);
    multiply(product[0], product[1], left, right);
  }
  __syncthreads();
  store_negative(square, 16 * row, 16 * column, product);
  __syncthreads();
}

}  // namespace jet::cuda
