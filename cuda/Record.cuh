// Record.cuh: what is known of a chunk of one head before the memory is: laid out in device memory as shared memory
// wants it, so that a chunk arrives by one copy.
#pragma once

#include "Arrivals.cuh"
#include "GatedDeltaRule.h"
#include "Mma.cuh"

namespace jet::cuda {

/// Numbers of each token of a chunk.
struct Factors {
  double decay[kChunk];      // g, the sum of log decays from the chunk's first token on
  float rise_key[kChunk];    // exp(g) · key_norm
  float rise_query[kChunk];  // exp(g) · query_norm
  float fall[kChunk];        // exp(G − g) · key_norm
  float strength[kChunk];    // β
  float key_norm[kChunk];    // what a key is multiplied by: 1 / its length, or 1
  float query_norm[kChunk];  // the same of the query, times the scale
  float total[4];            // exp(G), and padding
};

/// Sizes and places in a record of keys of padded width KP.
template <typename T, int KP>
struct Record {
  // Rows begin 16 bytes further on in the banks each, so that eight of them are read at once.
  static constexpr int kKeyStride = KP + 8;
  static constexpr int kSquareStride = kChunk + 8;
  static constexpr int kKeys = sizeof(Factors);
  static constexpr int kQueries = kKeys + kChunk * kKeyStride * static_cast<int>(sizeof(T));
  static constexpr int kInverse = kQueries + kChunk * kKeyStride * static_cast<int>(sizeof(T));
  static constexpr int kScores = kInverse + kChunk * kSquareStride * static_cast<int>(sizeof(T));
  static constexpr int kEnd = kScores + kChunk * kSquareStride * static_cast<int>(sizeof(T));
  static constexpr int kBytes = (kEnd + 127) / 128 * 128;
  static_assert(kKeys % 16 == 0 && kInverse % 16 == 0 && kEnd % 16 == 0);
};

/// Brings a part of each record to shared memory, one or two records ahead of its use.
struct RecordQueue {
  unsigned char *slots;  // shared, `count` of `bytes`, a multiple of 16
  uint64_t *arrivals;    // shared, `count`
  int count;
  int bytes;
  int from;  // where the part begins in a record

#if __CUDA_ARCH__ >= 900
  /// Begins the copy of the part of `record` into a slot that nobody reads any more. By one thread.
  __device__ void copy(int slot, const unsigned char *record) const {
    expect_bytes(arrivals + slot, bytes);
    bring_bytes(slots + slot * bytes, record + from, bytes, arrivals + slot);
  }
#endif

  /// To be called once by all threads, which then have to meet, before anything else.
  __device__ void start() {
#if __CUDA_ARCH__ >= 900
    if (threadIdx.x == 0) {
      for (int i = 0; i < count; ++i) start_place(arrivals + i, 1);
      publish_places();
    }
#endif
  }

  /// Begins the copy of the part of `record` into a slot that nobody reads any more. By all threads.
  __device__ void fetch(int slot, const unsigned char *record) {
#if __CUDA_ARCH__ >= 900
    if (threadIdx.x == 0) copy(slot, record);
#else
    unsigned char *to = slots + slot * bytes;
    for (int i = 16 * threadIdx.x; i < bytes; i += 16 * blockDim.x) {
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to + i)), "l"(record + from + i)
                   : "memory");
    }
#endif
  }

  /// Waits for the `use`-th record of a slot, counted from 0. By all threads.
  __device__ const unsigned char *await(int slot, int use) const {
#if __CUDA_ARCH__ >= 900
    await_phase(arrivals + slot, use);
#else
    asm volatile("cp.async.wait_all;" ::: "memory");
    __syncthreads();
#endif
    return slots + slot * bytes;
  }
};

/// Multiplies column i of the sums by factors[i].
template <int N>
__device__ inline void scale_columns(float (&x)[N][4], const float *factors) {
  int t = threadIdx.x & 3;
#pragma unroll
  for (int n = 0; n < N; ++n) {
    float2 factor = *reinterpret_cast<const float2 *>(factors + 8 * n + 2 * t);
    x[n][0] *= factor.x;
    x[n][1] *= factor.y;
    x[n][2] *= factor.x;
    x[n][3] *= factor.y;
  }
}

template <int N>
__device__ inline void clear(float (&x)[N][4]) {
#pragma unroll
  for (int n = 0; n < N; ++n) x[n][0] = x[n][1] = x[n][2] = x[n][3] = 0.0f;
}

/// The pointer to the first token of head `h` of sequence `b`.
template <typename T>
__device__ inline const T *head_of(const TokenView &view, int b, int h) {
  return static_cast<const T *>(view.data) + b * view.batch + h * view.head;
}
/// Where the gradient of a token's row is written.
template <typename T>
__device__ inline T *row_of(const GradientRows &rows, int b, int token, int h) {
  return static_cast<T *>(rows.data) + b * rows.batch + token * rows.token + h * rows.head;
}

/// Calls `body(T{}, std::integral_constant<int, KP>)` with the types of the call.
#define JET_FOR_KERNEL_CASE(call, ...)                             \
  [&]() -> cudaError_t {                                           \
    auto with_width = [&](auto zero) -> cudaError_t {              \
      using T = decltype(zero);                                    \
      switch (padded_key_width((call).key_width)) {                \
        case 64: {                                                 \
          constexpr int KP = 64;                                   \
          return __VA_ARGS__;                                      \
        }                                                          \
        case 96: {                                                 \
          constexpr int KP = 96;                                   \
          return __VA_ARGS__;                                      \
        }                                                          \
        case 128: {                                                \
          constexpr int KP = 128;                                  \
          return __VA_ARGS__;                                      \
        }                                                          \
        default: {                                                 \
          constexpr int KP = 256;                                  \
          return __VA_ARGS__;                                      \
        }                                                          \
      }                                                            \
    };                                                             \
    return (call).half ? with_width(Half{}) : with_width(float{}); \
  }()

}  // namespace jet::cuda
