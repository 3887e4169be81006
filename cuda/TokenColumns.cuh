// TokenColumns.cuh: 64 tokens × 16 value columns of a tensor, as the sums of a warp hold their transpose: rows are value
// columns, columns are tokens. What does not exist is read as zeros and not written.
#pragma once

#include "GatedDeltaRule.h"
#include "Mma.cuh"

namespace jet::cuda {

/// Transposes an 8 × 8 matrix of 16-bit numbers, of which a lane has two of row lane / 4.
__device__ inline uint32_t transposed(uint32_t pair) {
  uint32_t result;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(result) : "r"(pair));
  return result;
}

/// The columns of one warp in one head.
template <typename T>
struct TokenColumns {
  T *head;         // first token, first column of all
  int64_t stride;  // from token to token
  int tokens;
  int first_column;
  int width;
  // Whether numbers can be moved in pairs: bfloat16, with even strides and width.
  bool is_paired;

  /// Pairs that are on their way while something else is computed.
  struct Pairs {
    uint32_t r[16];
  };

  /// Begins to read the 64 tokens from `first`.
  __device__ void fetch(Pairs &pairs, int first) const {
    if (sizeof(T) != 2 || !is_paired) return;
    int lane = threadIdx.x & 31;
    int column = first_column + 2 * (lane & 3), token = first + (lane >> 2);
    const T *from = head + token * stride + column;
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      int further = 8 * (i & 1), row = 8 * (i >> 1);
      bool exists = token + row < tokens && column + further < width;
      pairs.r[i] = exists ? *reinterpret_cast<const uint32_t *>(from + row * stride + further) : 0;
    }
  }

  /// The numbers that fetch(pairs, first) began to read.
  __device__ void take(float (&x)[8][4], const Pairs &pairs, int first) const {
    if (sizeof(T) == 2 && is_paired) {
#pragma unroll
      for (int i = 0; i < 16; ++i) {
        uint32_t pair = transposed(pairs.r[i]);
        x[i >> 1][2 * (i & 1)] = __uint_as_float(pair << 16);
        x[i >> 1][2 * (i & 1) + 1] = __uint_as_float(pair & 0xffff0000u);
      }
      return;
    }
    int lane = threadIdx.x & 31;
    int column = first_column + (lane >> 2), token = first + 2 * (lane & 3);
    const T *from = head + token * stride + column;
#pragma unroll
    for (int n = 0; n < 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        int row = 8 * n + (i & 1), further = 8 * (i >> 1);
        bool exists = token + row < tokens && column + further < width;
        x[n][i] = exists ? number(from[row * stride + further]) : 0.0f;
      }
    }
  }

  /// Writes the 64 tokens from `first`.
  __device__ void store(const float (&x)[8][4], int first) const {
    int lane = threadIdx.x & 31;
    if (sizeof(T) == 2 && is_paired) {
      int column = first_column + 2 * (lane & 3), token = first + (lane >> 2);
      T *to = head + token * stride + column;
#pragma unroll
      for (int i = 0; i < 16; ++i) {
        int further = 8 * (i & 1), row = 8 * (i >> 1);
        uint32_t pair = transposed(packed(x[i >> 1][2 * (i & 1)], x[i >> 1][2 * (i & 1) + 1]));
        if (token + row < tokens && column + further < width) {
          *reinterpret_cast<uint32_t *>(to + row * stride + further) = pair;
        }
      }
      return;
    }
    int column = first_column + (lane >> 2), token = first + 2 * (lane & 3);
    T *to = head + token * stride + column;
#pragma unroll
    for (int n = 0; n < 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        int row = 8 * n + (i & 1), further = 8 * (i >> 1);
        if (token + row < tokens && column + further < width) to[row * stride + further] = rounded<T>(x[n][i]);
      }
    }
  }
};

}  // namespace jet::cuda
