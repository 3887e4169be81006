// SolvedTiles.cuh: T = (I + A)⁻¹ of a chunk (see GatedDeltaRule.h) in bfloat16's products, by one block of 128 threads.
//
// A number is taken as two bfloat16 parts, a product as three; the error is about 2⁻¹⁶ of a number. Warp c has the 16
// columns c of T, from above to below,
//     T_rc = − T_rr Σ_k A_rk T_kc, k from c to r − 1
// and has no need of the other warps but for the blocks on the diagonal. It holds the transpose, so that one product's
// sums are the next one's left factor.
#pragma once

#include "ChunkSquares.cuh"

namespace jet::cuda {

/// A left factor in two parts.
struct TwoParts {
  Left<Half> high, low;

  __device__ void take_pair(int i, float first, float second) {
    uint32_t pair = packed(first, second);
    high.r[i] = pair;
    float2 most = unpacked(pair);
    low.r[i] = packed(first - most.x, second - most.y);
  }
  __device__ void take(const float (&first)[4], const float (&second)[4]) {
    take_pair(0, first[0], first[1]);
    take_pair(1, first[2], first[3]);
    take_pair(2, second[0], second[1]);
    take_pair(3, second[2], second[3]);
  }
};

/// A block of 16 × 16 numbers in two parts: four core matrices of 8 × 8 each, row by row.
struct Tile {
  Half high[256], low[256];

  /// Stores pair `i` of a left factor of 16 rows.
  __device__ void store(int i, uint32_t high_pair, uint32_t low_pair) {
    int at = (i % 2 * 2 + i / 2) * 32 + threadIdx.x % 32;
    reinterpret_cast<uint32_t *>(high)[at] = high_pair;
    reinterpret_cast<uint32_t *>(low)[at] = low_pair;
  }

  /// The tile's transpose as a right factor, or, transposed, the tile's transpose as a left one.
  template <bool kTranspose>
  __device__ static void load(uint32_t (&r)[4], const Half *part) {
    load_matrices<kTranspose>(r, part + threadIdx.x % 32 * 8);
  }
  /// The tile as a left factor, or, transposed, as a right one.
  template <bool kTranspose>
  __device__ static void load_same(uint32_t (&r)[4], const Half *part) {
    load<kTranspose>(r, part);
    uint32_t kept = r[1];
    r[1] = r[2];
    r[2] = kept;
  }
};

/// The place of a tile among those of a lower triangle.
constexpr int triangle_place(int row, int column) { return row * (row + 1) / 2 + column; }
/// Tiles of a lower triangle of 64 × 64.
constexpr int kTriangle = triangle_place(kChunk / 16, 0);

__device__ inline void multiply_parts(float (&sums)[2][4], const TwoParts &left, const Right<Half> &high,
                                      const Right<Half> &low) {
  multiply(sums[0], sums[1], left.high, low);
  multiply(sums[0], sums[1], left.low, high);
  multiply(sums[0], sums[1], left.high, high);
}

/// What is needed until T is there.
struct SolveTiles {
  static constexpr int kStride = 16 + 4;
  Tile below[triangle_place(kChunk / 16 - 1, 0)];  // −A below the blocks on the diagonal; row r at r − 1
  Tile inverse[kChunk / 16];                       // of I + A on the diagonal, transposed
  float diagonal[kChunk / 16][16 * kStride + 4];   // A there, a block's banks beside the next one's

  /// Takes a warp's 16 rows of A.
  __device__ void take(const float (&mixing)[8][4]) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
#pragma unroll
    for (int n = 0; n < 4; ++n) {
      const float (&first)[4] = mixing[2 * n], (&second)[4] = mixing[2 * n + 1];
      if (n == warp) {
        float *row = diagonal[n] + lane / 4 * kStride + 2 * (lane % 4);
        store_pair(row, first[0], first[1]);
        store_pair(row + 8 * kStride, first[2], first[3]);
        store_pair(row + 8, second[0], second[1]);
        store_pair(row + 8 * kStride + 8, second[2], second[3]);
      } else if (n < warp) {
        Tile &tile = below[triangle_place(warp - 1, n)];
        TwoParts parts;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float (&pair)[4] = i < 2 ? first : second;
          parts.take_pair(i, -pair[i % 2 * 2], -pair[i % 2 * 2 + 1]);
          tile.store(i, parts.high.r[i], parts.low.r[i]);
        }
      }
    }
  }

  /// Inverts the blocks on the diagonal. The last two warps, which have less to do than the others afterwards.
  __device__ void invert_diagonal() {
    if (threadIdx.x < kPreparers / 2) return;
    int block = threadIdx.x / 16 - 4, column = threadIdx.x % 16;
    float solved[16];
    solve_column(solved, diagonal[block], kStride, column);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      TwoParts parts;
#pragma unroll
      for (int i = 0; i < 4; ++i) parts.take_pair(i, solved[8 * half + 2 * i], solved[8 * half + 2 * i + 1]);
      int at = (column / 8 * 2 + half) * 64 + column % 8 * 8;
      const uint32_t (&high)[4] = parts.high.r, (&low)[4] = parts.low.r;
      *reinterpret_cast<uint4 *>(inverse[block].high + at) = make_uint4(high[0], high[1], high[2], high[3]);
      *reinterpret_cast<uint4 *>(inverse[block].low + at) = make_uint4(low[0], low[1], low[2], low[3]);
    }
  }

  /// Returns the transposes of the warp's blocks of T, from the diagonal downwards. Those that do not exist are not
  /// written.
  __device__ void solve(float (&solved)[4][2][4]) const {
    int column = threadIdx.x / 32;
    TwoParts parts[4];
    Tile::load_same<false>(parts[0].high.r, inverse[column].high);
    Tile::load_same<false>(parts[0].low.r, inverse[column].low);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      float *pair = solved[0][i / 2] + i % 2 * 2;
      float2 most = unpacked(parts[0].high.r[i]), rest = unpacked(parts[0].low.r[i]);
      pair[0] = most.x + rest.x;
      pair[1] = most.y + rest.y;
    }
#pragma unroll
    for (int step = 1; step < 4; ++step) {
      int row = column + step;
      if (row > 3) break;
      float sums[2][4];
      Right<Half> high, low;
      clear(sums);
#pragma unroll
      for (int k = 0; k < step; ++k) {
        const Tile &tile = below[triangle_place(row - 1, column + k)];
        Tile::load<false>(high.r, tile.high);
        Tile::load<false>(low.r, tile.low);
        multiply_parts(sums, parts[k], high, low);
      }
      TwoParts product;
      product.take(sums[0], sums[1]);
      Tile::load_same<true>(high.r, inverse[row].high);
      Tile::load_same<true>(low.r, inverse[row].low);
      clear(solved[step]);
      multiply_parts(solved[step], product, high, low);
      if (step < 3) parts[step].take(solved[step][0], solved[step][1]);
    }
  }
};

}  // namespace jet::cuda
