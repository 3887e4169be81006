// GatedDeltaRulePrepare.cu: what a chunk's record holds; every chunk of every head at once.

#include "ChunkSquares.cuh"
#include "Launch.cuh"

namespace jet::cuda {
namespace {

template <typename T, int KP>
__global__ void __launch_bounds__(kPreparers)
    prepare(GatedDeltaRuleCall call, bool aligned_keys, bool aligned_queries) {
  using Layout = Record<T, KP>;
  constexpr int kKeyBytes = kChunk * Layout::kKeyStride * sizeof(T);
  extern __shared__ __align__(128) unsigned char shared[];
  __shared__ __align__(16) Factors factors;
  __shared__ __align__(16) Spans spans;
  ChunkInputs<T, KP> inputs{reinterpret_cast<T *>(shared), reinterpret_cast<T *>(shared + kKeyBytes), factors, spans};
  float *square = reinterpret_cast<float *>(shared + 2 * kKeyBytes);

  int chunks = call.chunks();
  unsigned char *record = static_cast<unsigned char *>(call.records) + int64_t(blockIdx.x) * Layout::kBytes;
  inputs.template load<false>(call, blockIdx.x / chunks, blockIdx.x % chunks, aligned_keys, aligned_queries);
  float mixing[8][4], scores[8][4];
  inputs.mix(call, mixing, scores);
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  float *mixing_row = square + (16 * warp + lane / 4) * kSolveStride + 2 * (lane % 4);
  T *to =
      reinterpret_cast<T *>(record + Layout::kScores) + (16 * warp + lane / 4) * Layout::kSquareStride + 2 * (lane % 4);
#pragma unroll
  for (int n = 0; n < 8; ++n) {
    store_pair(mixing_row + 8 * n, mixing[n][0], mixing[n][1]);
    store_pair(mixing_row + 8 * kSolveStride + 8 * n, mixing[n][2], mixing[n][3]);
    store_pair(to + 8 * n, scores[n][0], scores[n][1]);
    store_pair(to + 8 * Layout::kSquareStride + 8 * n, scores[n][2], scores[n][3]);
  }
  __syncthreads();

  auto copy = [](unsigned char *to, const void *from, int bytes) {
    for (int i = threadIdx.x; i < bytes / 16; i += kPreparers) {
      reinterpret_cast<uint4 *>(to)[i] = static_cast<const uint4 *>(from)[i];
    }
  };
  copy(record, &factors, sizeof(Factors));
  copy(record + Layout::kKeys, inputs.keys, kKeyBytes);
  copy(record + Layout::kQueries, inputs.queries, kKeyBytes);
  invert(square);
  for (int i = threadIdx.x; i < kChunk * kChunk / 2; i += kPreparers) {
    int row = i / (kChunk / 2), column = i % (kChunk / 2) * 2;
    float2 pair = *reinterpret_cast<const float2 *>(square + row * kSolveStride + column);
    store_pair(reinterpret_cast<T *>(record + Layout::kInverse) + row * Layout::kSquareStride + column, pair.x, pair.y);
  }
}

template <typename T, int KP>
cudaError_t launch(const GatedDeltaRuleCall &call) {
  int bytes = 2 * kChunk * Record<T, KP>::kKeyStride * sizeof(T) + kChunk * kSolveStride * sizeof(float);
  cudaError_t error = cudaFuncSetAttribute(prepare<T, KP>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error != cudaSuccess) return error;
  int64_t blocks = int64_t(call.batch) * call.heads * call.chunks();
  prepare<T, KP><<<static_cast<unsigned>(blocks), kPreparers, bytes, call.stream>>>(
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
