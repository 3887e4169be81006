// Blocks.cuh: matrices in blocks of 8 × 8 numbers, and how warps write and read them.
#pragma once

#include "Mma.cuh"

namespace jet::cuda {

/// Rows and columns of numbers in blocks of 8 × 8, a block's numbers side by side: what a warp holds of a block goes
/// out in one piece, and eight rows of a block are read at once without a conflict.
///
/// The memories and corrections that the gradients are made of lie so: of value columns × keys or tokens.
template <typename T>
struct Blocks {
  T *data;
  int across;  // blocks side by side

  __device__ T *at(int row, int column) const {
    return data + (row / 8 * across + column / 8) * 64 + row % 8 * 8 + column % 8;
  }
};

/// Writes the sums of a warp to 16 rows from `row`, a multiple of 16.
template <typename T, int N>
__device__ inline void store(const Blocks<T> &to, int row, const float (&x)[N][4]) {
  int lane = threadIdx.x & 31;
  T *first = to.at(row + lane / 4, 2 * (lane % 4)), *second = first + 64 * to.across;
#pragma unroll
  for (int n = 0; n < N; ++n) {
    store_pair(first + 64 * n, x[n][0], x[n][1]);
    store_pair(second + 64 * n, x[n][2], x[n][3]);
  }
}

/// The left factor whose transpose has its row 0 and column 0 at a row and a column, multiples of 8.
__device__ inline void load_transposed(Left<Half> &left, const Blocks<const Half> &from, int k, int m) {
  int lane = threadIdx.x & 31;
  load_matrices<true>(left.r, from.at(k + (lane & 7) + 8 * (lane >> 4), m + 8 * ((lane >> 3) & 1)));
}
__device__ inline void load_transposed(Left<float> &left, const Blocks<const float> &from, int k, int m) {
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    const float *upper = from.at(k + 8 * step + 2 * (lane & 3), m + (lane >> 2)), *lower = upper + 64;
    split(upper[0], left.high[4 * step], left.low[4 * step]);
    split(lower[0], left.high[4 * step + 1], left.low[4 * step + 1]);
    split(upper[8], left.high[4 * step + 2], left.low[4 * step + 2]);
    split(lower[8], left.high[4 * step + 3], left.low[4 * step + 3]);
  }
}

/// The right factor whose row 0 and column 0 are at a row and a column, multiples of 8.
__device__ inline void load(Right<Half> &right, const Blocks<const Half> &from, int k, int n) {
  int lane = threadIdx.x & 31;
  load_matrices<true>(right.r, from.at(k + (lane & 7) + 8 * ((lane >> 3) & 1), n + 8 * (lane >> 4)));
}
__device__ inline void load(Right<float> &right, const Blocks<const float> &from, int k, int n) {
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int block = 0; block < 2; ++block) {
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      const float *column = from.at(k + 8 * step + 2 * (lane & 3), n + 8 * block + (lane >> 2));
      int at = 4 * block + 2 * step;
      split(column[0], right.high[at], right.low[at]);
      split(column[8], right.high[at + 1], right.low[at + 1]);
    }
  }
}

}  // namespace jet::cuda
