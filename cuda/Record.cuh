// Record.cuh: what is known of a chunk of one head before the memory is: laid out in device memory as shared memory
// wants it, so that a chunk arrives by one copy.
#pragma once

#include "GatedDeltaRule.h"
#include "Mma.cuh"

namespace jet::cuda {

/// Numbers of each token of a chunk.
struct Factors {
  double decay[kChunk];        // g, the sum of log decays from the chunk's first token on
  float rise_key[kChunk];      // exp(g) · key_norm
  float rise_query[kChunk];    // exp(g) · query_norm
  float fall[kChunk];          // exp(G − g) · key_norm
  float strength[kChunk];      // β
  float key_norm[kChunk];      // what a key is multiplied by: 1 / its length, or 1
  float query_norm[kChunk];    // the same of the query, times the scale
  float total[4];              // exp(G), and padding
};

/// Sizes and places in a record of keys of padded width KP.
template <typename T, int KP>
struct Record {
  // Rows begin 16 bytes further on in the banks each, so that eight of them are read at once.
  static constexpr int kKeyStride = KP + 8;
  static constexpr int kSquareStride = kChunk + 8;
  static constexpr int kKeys = sizeof(Factors);
  static constexpr int kInverse = kKeys + kChunk * kKeyStride * static_cast<int>(sizeof(T));
  static constexpr int kQueries = kInverse + kChunk * kSquareStride * static_cast<int>(sizeof(T));
  static constexpr int kScores = kQueries + kChunk * kKeyStride * static_cast<int>(sizeof(T));
  static constexpr int kEnd = kScores + kChunk * kSquareStride * static_cast<int>(sizeof(T));
  static constexpr int kBytes = (kEnd + 127) / 128 * 128;
  static_assert(kKeys % 16 == 0 && kInverse % 16 == 0 && kEnd % 16 == 0);
};

/// A record in shared memory.
template <typename T, int KP>
struct RecordView {
  using Layout = Record<T, KP>;
  const unsigned char *data;

  __device__ const Factors &factors() const { return *reinterpret_cast<const Factors *>(data); }
  __device__ const T *keys() const { return reinterpret_cast<const T *>(data + Layout::kKeys); }
  __device__ const T *inverse() const { return reinterpret_cast<const T *>(data + Layout::kInverse); }
  __device__ const T *queries() const { return reinterpret_cast<const T *>(data + Layout::kQueries); }
  __device__ const T *scores() const { return reinterpret_cast<const T *>(data + Layout::kScores); }
};

/// Brings records to shared memory, one or two ahead of their use.
struct RecordQueue {
  unsigned char *stages;  // shared, `count` of `stride` bytes
  uint64_t *arrivals;     // shared, `count`
  int count;
  int stride;
  int bytes;

  __device__ static uint32_t address(const void *p) { return static_cast<uint32_t>(__cvta_generic_to_shared(p)); }

  /// To be called once by all threads before anything else.
  __device__ void start() {
#if __CUDA_ARCH__ >= 900
    if (threadIdx.x == 0) {
      for (int i = 0; i < count; ++i) {
        asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(address(arrivals + i)) : "memory");
      }
      asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
      asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    }
    __syncthreads();
#endif
  }

  /// Begins the copy of a record into stage `stage`, which nobody reads any more. By all threads.
  __device__ void fetch(int stage, const unsigned char *record) {
    unsigned char *to = stages + stage * stride;
#if __CUDA_ARCH__ >= 900
    if (threadIdx.x == 0) {
      uint32_t arrival = address(arrivals + stage);
      asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(arrival), "r"(bytes) : "memory");
      asm volatile(
          "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(address(to)),
          "l"(record), "r"(bytes), "r"(arrival)
          : "memory");
    }
#else
    for (int i = 16 * threadIdx.x; i < bytes; i += 16 * blockDim.x) {
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address(to + i)), "l"(record + i) : "memory");
    }
#endif
  }

  /// Waits for the `use`-th record of stage `stage`, counted from 0. By all threads.
  __device__ const unsigned char *await(int stage, int use) {
#if __CUDA_ARCH__ >= 900
    uint32_t arrival = address(arrivals + stage);
    uint32_t done = 0;
    while (!done) {
      asm volatile(
          "{\n.reg .pred p;\n"
          "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
          "selp.u32 %0, 1, 0, p;\n}"
          : "=r"(done)
          : "r"(arrival), "r"(use & 1)
          : "memory");
    }
#else
    asm volatile("cp.async.wait_all;" ::: "memory");
    __syncthreads();
#endif
    return stages + stage * stride;
  }
};

/// Numbers [token][value column] of a tensor as the sums of a warp hold their transpose: rows are 16 value columns
/// from `first_column`, columns the 64 tokens from `first_token`. Those that do not exist are zeros.
template <typename T>
__device__ inline void load_transposed(float (&x)[8][4], const T *head, int64_t stride, int first_token, int tokens,
                                       int first_column, int width) {
  int lane = threadIdx.x & 31;
  int column = first_column + (lane >> 2);
  int token = first_token + 2 * (lane & 3);
  const T *from = head + token * stride + column;
#pragma unroll
  for (int n = 0; n < 8; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      int row = 8 * n + (i & 1);
      int further = 8 * (i >> 1);
      bool exists = token + row < tokens && column + further < width;
      x[n][i] = exists ? number(from[row * stride + further]) : 0.0f;
    }
  }
}

/// The reverse of load_transposed.
template <typename T>
__device__ inline void store_transposed(const float (&x)[8][4], T *head, int64_t stride, int first_token, int tokens,
                                        int first_column, int width) {
  int lane = threadIdx.x & 31;
  int column = first_column + (lane >> 2);
  int token = first_token + 2 * (lane & 3);
  T *to = head + token * stride + column;
#pragma unroll
  for (int n = 0; n < 8; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      int row = 8 * n + (i & 1);
      int further = 8 * (i >> 1);
      if (token + row < tokens && column + further < width) to[row * stride + further] = rounded<T>(x[n][i]);
    }
  }
}

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

/// Calls `body(T{}, std::integral_constant<int, KP>)` with the types of the call.
#define JET_FOR_KERNEL_CASE(call, ...)                                                  \
  [&]() -> cudaError_t {                                                                \
    auto with_width = [&](auto zero) -> cudaError_t {                                   \
      using T = decltype(zero);                                                         \
      switch (padded_key_width((call).key_width)) {                                     \
        case 64: { constexpr int KP = 64; return __VA_ARGS__; }                         \
        case 96: { constexpr int KP = 96; return __VA_ARGS__; }                         \
        case 128: { constexpr int KP = 128; return __VA_ARGS__; }                       \
        default: { constexpr int KP = 256; return __VA_ARGS__; }                        \
      }                                                                                 \
    };                                                                                  \
    return (call).half ? with_width(Half{}) : with_width(float{});                      \
  }()

}  // namespace jet::cuda
