// GatedDeltaRulePrepare.cu: what a chunk's record holds; every chunk of every head at once.

#include "Launch.cuh"

namespace jet::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kMixingStride = kChunk + 4;

/// Rows of a head, from device to shared memory; what is beyond `count` rows or `width` columns is zero.
template <typename T, int KP>
__device__ void load_rows(T *tile, const T *from, int64_t stride, int count, int width, bool aligned) {
  constexpr int kStride = Record<T, KP>::kKeyStride;
  constexpr int kVector = 16 / sizeof(T);
  if (aligned) {
    for (int i = threadIdx.x; i < kChunk * KP / kVector; i += kThreads) {
      int row = i / (KP / kVector);
      int column = i % (KP / kVector) * kVector;
      uint4 numbers = make_uint4(0, 0, 0, 0);
      if (row < count && column < width) numbers = *reinterpret_cast<const uint4 *>(from + row * stride + column);
      *reinterpret_cast<uint4 *>(tile + row * kStride + column) = numbers;
    }
  } else {
    for (int i = threadIdx.x; i < kChunk * KP; i += kThreads) {
      int row = i / KP;
      int column = i % KP;
      tile[row * kStride + column] = row < count && column < width ? from[row * stride + column] : rounded<T>(0.0f);
    }
  }
}

/// Sums of log decays, by one warp; lane i has tokens 2i and 2i + 1.
__device__ void sum_decays(Factors &factors, const float *from, int64_t stride, int count) {
  int lane = threadIdx.x;
  double decay[2];
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    int token = 2 * lane + i;
    // Differences of infinite sums would be no numbers.
    decay[i] = token < count ? fmaxf(from[token * stride], -1000.0f) : 0.0f;
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

/// Column `threadIdx.x` of (I + A)⁻¹, by forward substitution, into `inverse`.
template <typename T>
__device__ void invert(const float *mixing, T *inverse, int stride) {
  int column = threadIdx.x;
  float solved[kChunk];
#pragma unroll
  for (int i = 0; i < kChunk; ++i) {
    float sums[4] = {i == column ? 1.0f : 0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
    for (int j = 0; j < i; j += 4) {
      float4 four = *reinterpret_cast<const float4 *>(mixing + i * kMixingStride + j);
      sums[0] -= four.x * solved[j];
      if (j + 1 < i) sums[1] -= four.y * solved[j + 1];
      if (j + 2 < i) sums[2] -= four.z * solved[j + 2];
      if (j + 3 < i) sums[3] -= four.w * solved[j + 3];
    }
    solved[i] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    inverse[i * stride + column] = rounded<T>(solved[i]);
  }
}

template <typename T, int KP>
__global__ void __launch_bounds__(kThreads) prepare(GatedDeltaRuleCall call, bool aligned_keys, bool aligned_queries) {
  using Layout = Record<T, KP>;
  constexpr int kStride = Layout::kKeyStride;
  extern __shared__ __align__(128) unsigned char shared[];
  __shared__ __align__(16) Factors factors;
  T *keys = reinterpret_cast<T *>(shared);
  T *queries = keys + kChunk * kStride;
  float *mixing = reinterpret_cast<float *>(queries + kChunk * kStride);

  int chunks = call.chunks();
  int chunk = blockIdx.x % chunks;
  int sequence = blockIdx.x / chunks;
  int b = sequence / call.heads, h = sequence % call.heads;
  int first = chunk * kChunk;
  int count = min(kChunk, call.tokens - first);
  unsigned char *record = static_cast<unsigned char *>(call.records) + int64_t(blockIdx.x) * Layout::kBytes;

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
  __syncthreads();

  // Lengths of the rows, four threads a row.
#pragma unroll
  for (int pass = 0; pass < 4; ++pass) {
    int row = 32 * pass + threadIdx.x / 4;
    const T *numbers = (row < kChunk ? keys : queries) + (row % kChunk) * kStride;
    float sum = 0.0f;
    for (int column = threadIdx.x % 4; column < KP; column += 4) {
      float x = number(numbers[column]);
      sum += x * x;
    }
    sum += __shfl_xor_sync(~0u, sum, 1);
    sum += __shfl_xor_sync(~0u, sum, 2);
    float norm = call.normalize ? rsqrtf(sum + 1e-6f) : 1.0f;
    if (threadIdx.x % 4 == 0) {
      if (row < kChunk) factors.key_norm[row] = norm;
      else factors.query_norm[row - kChunk] = norm * call.scale;
    }
  }
  __syncthreads();

  if (threadIdx.x < kChunk) {
    int token = threadIdx.x;
    double decay = factors.decay[token], last = factors.decay[kChunk - 1];
    float rise = expf(static_cast<float>(decay));
    factors.rise_key[token] = rise * factors.key_norm[token];
    factors.rise_query[token] = rise * factors.query_norm[token];
    factors.fall[token] = expf(static_cast<float>(last - decay)) * factors.key_norm[token];
    if (token < 4) factors.total[token] = expf(static_cast<float>(last));
  }

  // Products of keys and of queries with keys; a warp has 16 rows.
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  float of_keys[8][4], of_queries[8][4];
  clear(of_keys);
  clear(of_queries);
  for (int k = 0; k < KP; k += 16) {
    Left<T> key_rows, query_rows;
    load(key_rows, keys, kStride, 16 * warp, k);
    load(query_rows, queries, kStride, 16 * warp, k);
#pragma unroll
    for (int n = 0; n < 4; ++n) {
      if (n > warp) continue;
      Right<T> columns;
      load_transposed(columns, keys, kStride, 16 * n, k);
      multiply(of_keys[2 * n], of_keys[2 * n + 1], key_rows, columns);
      multiply(of_queries[2 * n], of_queries[2 * n + 1], query_rows, columns);
    }
  }
  T *scores = reinterpret_cast<T *>(record + Layout::kScores);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int i = 16 * warp + lane / 4 + 8 * half;
    float key_norm = factors.key_norm[i] * factors.strength[i], query_norm = factors.query_norm[i];
    double decay = factors.decay[i];
#pragma unroll
    for (int n = 0; n < 8; ++n) {
      float mixed[2], scored[2];
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        int j = 8 * n + 2 * (lane % 4) + e;
        float decayed = j <= i ? expf(static_cast<float>(decay - factors.decay[j])) * factors.key_norm[j] : 0.0f;
        mixed[e] = j < i ? of_keys[n][2 * half + e] * decayed * key_norm : 0.0f;
        scored[e] = j <= i ? of_queries[n][2 * half + e] * decayed * query_norm : 0.0f;
      }
      int j = 8 * n + 2 * (lane % 4);
      store_pair(mixing + i * kMixingStride + j, mixed[0], mixed[1]);
      store_pair(scores + i * Layout::kSquareStride + j, scored[0], scored[1]);
    }
  }
  __syncthreads();

  if (threadIdx.x < kChunk) {
    invert(mixing, reinterpret_cast<T *>(record + Layout::kInverse), Layout::kSquareStride);
  } else {
    auto copy = [](unsigned char *to, const void *from, int bytes) {
      for (int i = threadIdx.x - kChunk; i < bytes / 16; i += kThreads - kChunk) {
        reinterpret_cast<uint4 *>(to)[i] = static_cast<const uint4 *>(from)[i];
      }
    };
    copy(record, &factors, sizeof(Factors));
    copy(record + Layout::kKeys, keys, kChunk * kStride * sizeof(T));
    copy(record + Layout::kQueries, queries, kChunk * kStride * sizeof(T));
  }
}

template <typename T, int KP>
cudaError_t launch(const GatedDeltaRuleCall &call) {
  int bytes = 2 * kChunk * Record<T, KP>::kKeyStride * sizeof(T) + kChunk * kMixingStride * sizeof(float);
  cudaError_t error = cudaFuncSetAttribute(prepare<T, KP>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error != cudaSuccess) return error;
  int64_t blocks = int64_t(call.batch) * call.heads * call.chunks();
  prepare<T, KP><<<static_cast<unsigned>(blocks), kThreads, bytes, call.stream>>>(
      call, is_aligned(call.key, call.key_width, sizeof(T)), is_aligned(call.query, call.key_width, sizeof(T)));
  return cudaGetLastError();
}

}  // namespace

int padded_key_width(int key_width) {
  return key_width <= 64 ? 64 : key_width <= 96 ? 96 : key_width <= 128 ? 128 : 256;
}

int64_t record_bytes(int key_width, bool half) {
  GatedDeltaRuleCall call{};
  call.key_width = key_width;
  call.half = half;
  int64_t bytes = 0;
  JET_FOR_KERNEL_CASE(call, (bytes = Record<T, KP>::kBytes, cudaSuccess));
  return bytes;
}

cudaError_t gated_delta_rule_prepare(const GatedDeltaRuleCall &call) {
  return JET_FOR_KERNEL_CASE(call, launch<T, KP>(call));
}

}  // namespace jet::cuda
