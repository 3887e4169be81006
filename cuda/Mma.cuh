// Mma.cuh: products of 16 × 16 blocks on the tensor cores, the same code for bfloat16 and float32.
//
// A warp holds a 16 × 8 block of sums as four floats a lane: with g = lane / 4 and t = lane % 4, sums[0], sums[1] are
// row g, columns 2t and 2t + 1; sums[2], sums[3] the same of row g + 8. Two such blocks side by side are, converted,
// the left factor of a next product, without a trip through memory.
//
// bfloat16 is multiplied as it is. A float32 is split in two tf32 parts and multiplied in three products, which leaves
// errors of about 2⁻²² of a number. The tf32 instruction takes columns t and t + 4 where the sums hold 2t and 2t + 1;
// as the order of a sum is free, both factors take the latter.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

namespace jet::cuda {

using Half = __nv_bfloat16;

__device__ inline float number(float x) { return x; }
__device__ inline float number(Half x) { return __bfloat162float(x); }

template <typename T>
__device__ inline T rounded(float x) {
  if constexpr (sizeof(T) == 2) return __float2bfloat16_rn(x);
  else return x;
}

__device__ inline uint32_t packed(float low, float high) {
  __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<uint32_t *>(&pair);
}

__device__ inline float2 unpacked(uint32_t pair) {
  return make_float2(__uint_as_float(pair << 16), __uint_as_float(pair & 0xffff0000u));
}

/// Transposes an 8 × 8 matrix of 16-bit numbers, of which a lane has two of row lane / 4.
__device__ inline uint32_t transposed(uint32_t pair) {
  uint32_t result;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(result) : "r"(pair));
  return result;
}

/// The sum over the four lanes that have one row of sums.
__device__ inline float over_quad(float x) {
  x += __shfl_xor_sync(~0u, x, 1);
  return x + __shfl_xor_sync(~0u, x, 2);
}

__device__ inline void store_pair(Half *to, float low, float high) {
  *reinterpret_cast<uint32_t *>(to) = packed(low, high);
}
__device__ inline void store_pair(float *to, float low, float high) {
  *reinterpret_cast<float2 *>(to) = make_float2(low, high);
}

/// The high and low parts of a float32 as tf32.
__device__ inline void split(float x, uint32_t &high, uint32_t &low) {
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(high) : "f"(x));
  float rest = x - __uint_as_float(high);
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(low) : "f"(rest));
}

/// The left factor, 16 rows × 16.
template <typename T>
struct Left;
/// The right factor, 16 × 16 columns.
template <typename T>
struct Right;

template <>
struct Left<Half> {
  uint32_t r[4];
};
template <>
struct Right<Half> {
  uint32_t r[4];
};
template <>
struct Left<float> {
  uint32_t high[8], low[8];
};
template <>
struct Right<float> {
  uint32_t high[8], low[8];
};

template <bool kTranspose>
__device__ inline void load_matrices(uint32_t (&r)[4], const Half *row) {
  uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  if constexpr (kTranspose) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address));
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address));
  }
}

/// The left factor from two blocks of sums side by side.
__device__ inline void take(Left<Half> &left, const float (&first)[4], const float (&second)[4]) {
  left.r[0] = packed(first[0], first[1]);
  left.r[1] = packed(first[2], first[3]);
  left.r[2] = packed(second[0], second[1]);
  left.r[3] = packed(second[2], second[3]);
}
__device__ inline void take(Left<float> &left, const float (&first)[4], const float (&second)[4]) {
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    const float *sums = step == 0 ? first : second;
    split(sums[0], left.high[4 * step], left.low[4 * step]);
    split(sums[2], left.high[4 * step + 1], left.low[4 * step + 1]);
    split(sums[1], left.high[4 * step + 2], left.low[4 * step + 2]);
    split(sums[3], left.high[4 * step + 3], left.low[4 * step + 3]);
  }
}

/// The left factor from shared memory that holds it row by row: its row 0 and column 0 are `tile[m][k]`.
__device__ inline void load(Left<Half> &left, const Half *tile, int stride, int m, int k) {
  int lane = threadIdx.x & 31;
  load_matrices<false>(left.r, tile + (m + (lane & 7) + 8 * ((lane >> 3) & 1)) * stride + k + 8 * (lane >> 4));
}
__device__ inline void load(Left<float> &left, const float *tile, int stride, int m, int k) {
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    const float *row = tile + (m + (lane >> 2)) * stride + k + 8 * step + 2 * (lane & 3);
    float2 upper = *reinterpret_cast<const float2 *>(row);
    float2 lower = *reinterpret_cast<const float2 *>(row + 8 * stride);
    split(upper.x, left.high[4 * step], left.low[4 * step]);
    split(lower.x, left.high[4 * step + 1], left.low[4 * step + 1]);
    split(upper.y, left.high[4 * step + 2], left.low[4 * step + 2]);
    split(lower.y, left.high[4 * step + 3], left.low[4 * step + 3]);
  }
}

/// The left factor from shared memory that holds its transpose: its row 0 and column 0 are `tile[k][m]`.
__device__ inline void load_transposed(Left<Half> &left, const Half *tile, int stride, int k, int m) {
  int lane = threadIdx.x & 31;
  load_matrices<true>(left.r, tile + (k + (lane & 7) + 8 * (lane >> 4)) * stride + m + 8 * ((lane >> 3) & 1));
}
__device__ inline void load_transposed(Left<float> &left, const float *tile, int stride, int k, int m) {
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    const float *column = tile + (k + 8 * step + 2 * (lane & 3)) * stride + m + (lane >> 2);
    split(column[0], left.high[4 * step], left.low[4 * step]);
    split(column[8], left.high[4 * step + 1], left.low[4 * step + 1]);
    split(column[stride], left.high[4 * step + 2], left.low[4 * step + 2]);
    split(column[stride + 8], left.high[4 * step + 3], left.low[4 * step + 3]);
  }
}

/// The right factor from shared memory that holds its transpose: row 0 and column 0 are `tile[n][k]`.
__device__ inline void load_transposed(Right<Half> &right, const Half *tile, int stride, int n, int k) {
  int lane = threadIdx.x & 31;
  load_matrices<false>(right.r, tile + (n + (lane & 7) + 8 * (lane >> 4)) * stride + k + 8 * ((lane >> 3) & 1));
}
__device__ inline void load_transposed(Right<float> &right, const float *tile, int stride, int n, int k) {
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int block = 0; block < 2; ++block) {
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      const float *row = tile + (n + 8 * block + (lane >> 2)) * stride + k + 8 * step + 2 * (lane & 3);
      float2 pair = *reinterpret_cast<const float2 *>(row);
      int at = 4 * block + 2 * step;
      split(pair.x, right.high[at], right.low[at]);
      split(pair.y, right.high[at + 1], right.low[at + 1]);
    }
  }
}

/// The right factor from shared memory that holds it row by row: row 0 and column 0 are `tile[k][n]`.
__device__ inline void load(Right<Half> &right, const Half *tile, int stride, int k, int n) {
  int lane = threadIdx.x & 31;
  load_matrices<true>(right.r, tile + (k + (lane & 7) + 8 * ((lane >> 3) & 1)) * stride + n + 8 * (lane >> 4));
}
__device__ inline void load(Right<float> &right, const float *tile, int stride, int k, int n) {
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int block = 0; block < 2; ++block) {
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      const float *column = tile + (k + 8 * step + 2 * (lane & 3)) * stride + n + 8 * block + (lane >> 2);
      int at = 4 * block + 2 * step;
      split(column[0], right.high[at], right.low[at]);
      split(column[stride], right.high[at + 1], right.low[at + 1]);
    }
  }
}

__device__ inline void multiply_half(float (&sums)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ inline void multiply_tf32(float (&sums)[4], const uint32_t *a, uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// Adds left · right to two blocks of sums side by side.
__device__ inline void multiply(float (&first)[4], float (&second)[4], const Left<Half> &left,
                                const Right<Half> &right) {
  multiply_half(first, left.r, right.r[0], right.r[1]);
  multiply_half(second, left.r, right.r[2], right.r[3]);
}
__device__ inline void multiply(float (&first)[4], float (&second)[4], const Left<float> &left,
                                const Right<float> &right) {
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    const uint32_t *high = left.high + 4 * step;
    const uint32_t *low = left.low + 4 * step;
#pragma unroll
    for (int block = 0; block < 2; ++block) {
      float (&sums)[4] = block == 0 ? first : second;
      int at = 4 * block + 2 * step;
      multiply_tf32(sums, low, right.high[at], right.high[at + 1]);
      multiply_tf32(sums, high, right.low[at], right.low[at + 1]);
      multiply_tf32(sums, high, right.high[at], right.high[at + 1]);
    }
  }
}

}  // namespace jet::cuda
