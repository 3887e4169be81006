// TokenColumns.cuh: 64 tokens × 16 value columns of a tensor, as the sums of a warp hold their transpose: rows are
// value columns, columns are tokens. What does not exist is read as zeros and not written.
#pragma once

#include "GatedDeltaRule.h"
#include "Mma.cuh"

namespace jet::cuda {

/// Two numbers side by side, of which the second may not exist.
__device__ inline uint32_t load_pair(const Half *from, bool is_paired, bool first, bool second) {
  if (is_paired) return first ? *reinterpret_cast<const uint32_t *>(from) : 0;
  uint32_t low = first ? __bfloat16_as_ushort(from[0]) : 0, high = second ? __bfloat16_as_ushort(from[1]) : 0;
  return low | high << 16;
}
__device__ inline void store_pair(Half *to, bool is_paired, bool first, bool second, uint32_t pair) {
  if (is_paired) {
    if (first) *reinterpret_cast<uint32_t *>(to) = pair;
  } else {
    if (first) to[0] = __ushort_as_bfloat16(static_cast<unsigned short>(pair));
    if (second) to[1] = __ushort_as_bfloat16(static_cast<unsigned short>(pair >> 16));
  }
}

/// The columns of one warp in one head.
template <typename T>
struct TokenColumns {
  T *head;         // first token, first column of all
  int64_t stride;  // from token to token
  int tokens;
  int first_column;
  int width;
  // Whether bfloat16 numbers can be moved in pairs: even strides and width.
  bool is_paired;

  /// Pairs that are on their way while something else is computed; of bfloat16 only.
  struct Pairs {
    uint32_t r[16];
  };

  /// Brings the 64 tokens from `first` nearer, for a later fetch.
  __device__ void prefetch(int first) const {
    int token = first + (threadIdx.x & 31);
#pragma unroll
    for (int i = 0; i < 2; ++i, token += 32) {
      if (token < tokens && first_column < width) {
        asm volatile("prefetch.global.L2 [%0];" ::"l"(head + token * stride + first_column));
      }
    }
  }

  /// Begins to read the 64 tokens from `first`.
  __device__ void fetch(Pairs &pairs, int first) const {
    if constexpr (sizeof(T) == 2) {
      int lane = threadIdx.x & 31;
      int column = first_column + 2 * (lane & 3), token = first + (lane >> 2);
      const T *from = head + token * stride + column;
#pragma unroll
      for (int i = 0; i < 16; ++i) {
        int further = 8 * (i & 1), row = 8 * (i >> 1);
        bool exists = token + row < tokens && column + further < width;
        pairs.r[i] =
            load_pair(from + row * stride + further, is_paired, exists, exists && column + further + 1 < width);
      }
    }
  }

  /// The numbers that fetch(pairs, first) began to read.
  __device__ void take(float (&x)[8][4], const Pairs &pairs, int first) const {
    if constexpr (sizeof(T) == 2) {
#pragma unroll
      for (int i = 0; i < 16; ++i) {
        float2 pair = unpacked(transposed(pairs.r[i]));
        x[i >> 1][2 * (i & 1)] = pair.x;
        x[i >> 1][2 * (i & 1) + 1] = pair.y;
      }
    } else {
      int lane = threadIdx.x & 31;
      int column = first_column + (lane >> 2), token = first + 2 * (lane & 3);
      const T *from = head + token * stride + column;
#pragma unroll
      for (int n = 0; n < 8; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          int row = 8 * n + (i & 1), further = 8 * (i >> 1);
          bool exists = token + row < tokens && column + further < width;
          x[n][i] = exists ? from[row * stride + further] : 0.0f;
        }
      }
    }
  }

  /// Writes the 64 tokens from `first`; pairs.r[i] is x[i / 2] of store(x), packed.
  __device__ void store_packed(const Pairs &pairs, int first) const {
    int lane = threadIdx.x & 31;
    int column = first_column + 2 * (lane & 3), token = first + (lane >> 2);
    bool left = column < width, right = column + 8 < width;
    T *to = head + token * stride + column;
#pragma unroll
    for (int row = 0; row < 8; ++row) {
      bool exists = token + 8 * row < tokens;
      uint32_t low = transposed(pairs.r[2 * row]), high = transposed(pairs.r[2 * row + 1]);
      store_pair(to, is_paired, exists && left, exists && column + 1 < width, low);
      store_pair(to + 8, is_paired, exists && right, exists && column + 9 < width, high);
      to += 8 * stride;
    }
  }

  /// Writes the 64 tokens from `first`.
  __device__ void store(const float (&x)[8][4], int first) const {
    int lane = threadIdx.x & 31;
    if constexpr (sizeof(T) == 2) {
      int column = first_column + 2 * (lane & 3), token = first + (lane >> 2);
      T *to = head + token * stride + column;
#pragma unroll
      for (int i = 0; i < 16; ++i) {
        int further = 8 * (i & 1), row = 8 * (i >> 1);
        uint32_t pair = transposed(packed(x[i >> 1][2 * (i & 1)], x[i >> 1][2 * (i & 1) + 1]));
        bool exists = token + row < tokens && column + further < width;
        store_pair(to + row * stride + further, is_paired, exists, exists && column + further + 1 < width, pair);
      }
    } else {
      int column = first_column + (lane >> 2), token = first + 2 * (lane & 3);
      T *to = head + token * stride + column;
#pragma unroll
      for (int n = 0; n < 8; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          int row = 8 * n + (i & 1), further = 8 * (i >> 1);
          if (token + row < tokens && column + further < width) to[row * stride + further] = x[n][i];
        }
      }
    }
  }
};

}  // namespace jet::cuda
