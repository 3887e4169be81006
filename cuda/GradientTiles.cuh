// GradientTiles.cuh: what GatedDeltaRuleGradients.cu keeps in shared memory, and how it gets there.
#pragma once

#include "Blocks.cuh"
#include "Record.cuh"

namespace jet::cuda {

/// Sizes of a block, and where its tiles lie in shared memory, in elements.
template <typename T, int KP>
struct Plan {
  static constexpr int kGroups = KP == 256 ? 4 : 2;
  static constexpr int kThreads = 128 * kGroups;
  static constexpr int kSlice = sizeof(T) == 2 ? 32 : 16;  // value columns at a time
  static constexpr int kMostStages = 4;                    // slices on their way, the present one included
  static constexpr int kColumns = KP / kGroups;            // of keys, a warp
  static constexpr int kOthers = kChunk / kGroups;         // tokens j, a warp
  static constexpr int kKeyStride = Record<T, KP>::kKeyStride;
  static constexpr int kSquareStride = Record<T, KP>::kSquareStride;
  static constexpr int kSliceStride = kSlice + 8;
  // Of a stage, which holds a slice of value columns:
  static constexpr int kIncoming = 0;
  static constexpr int kValues = kIncoming + kChunk * kSliceStride;
  static constexpr int kSolved = kValues + kChunk * kSliceStride;
  static constexpr int kCorrections = kSolved + kSlice * kChunk;
  static constexpr int kMemories = kCorrections + kSlice * kChunk;
  static constexpr int kOfMemories = kMemories + kSlice * KP;
  static constexpr int kStage = kOfMemories + kSlice * KP;
  // Of all: the stages come last, and N and L take their place when those are done with.
  static constexpr int kKeys = 0;
  static constexpr int kQueries = kKeys + kChunk * kKeyStride;
  static constexpr int kScores = kQueries + kChunk * kKeyStride;
  static constexpr int kStages = kScores + kChunk * kSquareStride;
  static constexpr int kOfScores = kStages;
  static constexpr int kOfMixing = kOfScores + kChunk * kSquareStride;
  static constexpr int kFewestStages = kStage >= 2 * kChunk * kSquareStride ? 1 : 2;
  static_assert(2 * kStage >= 2 * kChunk * kSquareStride);

  static constexpr int bytes(int stages) { return (kStages + stages * kStage) * static_cast<int>(sizeof(T)); }
};

/// Sums over parts of a row or column, each part in a place of its own so that they are added in a fixed order.
template <int G>
struct Parts {
  float of_row[G][kChunk];       // Σ_j of dA A + dP P
  float of_strength[G][kChunk];  // Σ_j of dA A / β
  float of_column[4][kChunk];    // Σ_i of dA A + dP P
  float query_rise[G][kChunk];   // q · exp(g) b dO Sᵀ
  float key_rise[G][kChunk];     // k · −exp(g) a Y Sᵀ
  float key_fall[G][kChunk];     // k · exp(G − g) a U dS⁺ᵀ
  float along_query[G][kChunk];  // q · dq
  float along_key[G][kChunk];    // k · dk
  float of_values[kChunk];       // Y · v
  float of_memory[4 * G];        // S · dS⁺
  float decay[kChunk];
};

/// Begins the copy of 16 bytes to shared memory, or of zeros.
__device__ inline void copy(void *to, const void *from, bool exists) {
  uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(exists ? 16 : 0)
               : "memory");
}

/// Ends a group of copies.
__device__ inline void end_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/// Waits for all groups but the last `later`, at most three.
__device__ inline void await_copies(int later) {
  if (later >= 3) asm volatile("cp.async.wait_group 3;" ::: "memory");
  else if (later == 2) asm volatile("cp.async.wait_group 2;" ::: "memory");
  else if (later == 1) asm volatile("cp.async.wait_group 1;" ::: "memory");
  else asm volatile("cp.async.wait_group 0;" ::: "memory");
}

/// Begins the copy of `kCount` elements, a multiple of 16 bytes; those from `exist` on, another multiple, are zeros.
template <typename T, int kCount, int kThreads>
__device__ void copy_all(T *to, const T *from, int exist) {
  constexpr int kVector = 16 / sizeof(T);
#pragma unroll
  for (int i = 0; i < (kCount / kVector + kThreads - 1) / kThreads; ++i) {
    int at = (i * kThreads + threadIdx.x) * kVector;
    if ((i + 1) * kThreads * kVector > kCount && at >= kCount) continue;
    copy(to + at, at < exist ? from + at : from, at < exist);
  }
}

/// Brings 64 tokens × kSlice value columns to shared memory, at once where they are not aligned.
template <typename T, int kSlice, int kThreads>
__device__ void copy_tokens(T *to, int stride, const T *from, int64_t token, int count, int width, bool is_aligned) {
  if (is_aligned) {
    constexpr int kVector = 16 / sizeof(T);
    for (int i = threadIdx.x; i < kChunk * kSlice / kVector; i += kThreads) {
      int row = i / (kSlice / kVector), column = i % (kSlice / kVector) * kVector;
      bool exists = row < count && column < width;
      copy(to + row * stride + column, exists ? from + row * token + column : from, exists);
    }
  } else {
    for (int i = threadIdx.x; i < kChunk * kSlice; i += kThreads) {
      int row = i / kSlice, column = i % kSlice;
      bool exists = row < count && column < width;
      to[row * stride + column] = exists ? from[row * token + column] : rounded<T>(0.0f);
    }
  }
}

__device__ inline float product(const Half *a, const Half *b) {
  float2 x = __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162 *>(a));
  float2 y = __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162 *>(b));
  return x.x * y.x + x.y * y.y;
}
__device__ inline float product(const float *a, const float *b) { return a[0] * b[0] + a[1] * b[1]; }

}  // namespace jet::cuda
