// RowKernels.cu: what stands around the matrix product of a decode step where libtorch does the product itself.
#include <cuda_runtime.h>

#include <type_traits>

#include "DependentLaunch.cuh"
#include "LinearStep.h"
#include "Mma.cuh"

namespace jet::cuda {
namespace {

constexpr int kThreads = 256;
/// Blocks that share the work over all elements; each thread takes further ones in steps of the grid.
constexpr int kMostBlocks = 4096;

/// Elements moved together: 16 bytes, or one.
template <typename T, int kCount>
struct alignas(kCount * sizeof(T)) Pack {
  T numbers[kCount];
};

/// Elements of 16 bytes.
template <typename T>
constexpr int kWide = 16 / sizeof(T);

__device__ inline float silu(float x) { return x / (1.0f + expf(-x)); }

template <typename T>
__device__ inline float round_to(float x) {
  return number(rounded<T>(x));
}

/// What an earlier kernel wrote; not through the first cache, which is not told while this one runs.
template <typename Numbers>
__device__ inline Numbers read(const Numbers *from) {
  using Word = std::conditional_t<sizeof(Numbers) == 16, uint4,
                                  std::conditional_t<sizeof(Numbers) == 4, unsigned, unsigned short>>;
  static_assert(sizeof(Word) == sizeof(Numbers));
  union {
    Word word;
    Numbers numbers;
  } both = {__ldcg(reinterpret_cast<const Word *>(from))};
  return both.numbers;
}

/// One block a row.
template <typename T, int kCount>
__global__ void prepare_kernel(const LinearStepCall call, T *prepared) {
  using Numbers = Pack<T, kCount>;
  __shared__ float sums[kThreads / 32];
  let_later_start();
  wait_for_earlier();
  const int count = call.in / kCount;
  const Numbers *x =
      reinterpret_cast<const Numbers *>(static_cast<const T *>(call.x.data) + blockIdx.x * call.x.stride);
  const Numbers *weight = static_cast<const Numbers *>(call.norm);
  Numbers *out = reinterpret_cast<Numbers *>(prepared + int64_t(blockIdx.x) * call.in);
  float scale = 1.0f;
  if (call.norm) {
    float sum = 0.0f;
    for (int i = threadIdx.x; i < count; i += kThreads) {
      const Numbers numbers = read(x + i);
#pragma unroll
      for (int j = 0; j < kCount; ++j) sum += number(numbers.numbers[j]) * number(numbers.numbers[j]);
    }
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, distance);
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
    __syncthreads();
    float total = 0.0f;
#pragma unroll
    for (int i = 0; i < kThreads / 32; ++i) total += sums[i];
    scale = rsqrtf(total / call.in + call.eps);
  }
  for (int i = threadIdx.x; i < count; i += kThreads) {
    Numbers numbers = read(x + i);
    Numbers factors{};
    if (call.norm) factors = weight[i];
#pragma unroll
    for (int j = 0; j < kCount; ++j) {
      float y = number(numbers.numbers[j]);
      if (call.norm) y = round_to<T>(y * scale * number(factors.numbers[j]));
      numbers.numbers[j] = rounded<T>(call.activates_input ? silu(y) : y);
    }
    out[i] = numbers;
  }
}

template <typename T, int kCount>
__global__ void finish_kernel(const LinearStepCall call, const T *product) {
  using Numbers = Pack<T, kCount>;
  let_later_start();
  wait_for_earlier();
  const int width = call.out / kCount;
  const int64_t count = int64_t(call.rows) * width;
  for (int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x; i < count; i += int64_t(gridDim.x) * kThreads) {
    const int64_t n = i / width;
    const int64_t column = i % width * kCount;
    const T *row = product + n * call.weight_rows() + column;
    Numbers y = read(reinterpret_cast<const Numbers *>(row));
    if (call.gates_output) {
      const Numbers other = read(reinterpret_cast<const Numbers *>(row + call.out));
#pragma unroll
      for (int j = 0; j < kCount; ++j) {
        y.numbers[j] = rounded<T>(silu(number(y.numbers[j])) * number(other.numbers[j]));
      }
    }
    if (call.residual.data) {
      const T *residual = static_cast<const T *>(call.residual.data) + n * call.residual.stride + column;
      const Numbers other = read(reinterpret_cast<const Numbers *>(residual));
#pragma unroll
      for (int j = 0; j < kCount; ++j) y.numbers[j] = rounded<T>(number(y.numbers[j]) + number(other.numbers[j]));
    }
    *reinterpret_cast<Numbers *>(static_cast<T *>(call.result) + n * call.out + column) = y;
  }
}

/// Whether rows of `width` elements from `data` on can be moved 16 bytes at a time.
template <typename T>
bool is_wide(const void *data, int64_t stride, int width) {
  return reinterpret_cast<uintptr_t>(data) % 16 == 0 && stride % kWide<T> == 0 && width % kWide<T> == 0;
}

template <typename T>
cudaError_t launch(const LinearStepCall &call, void (*kernel)(const LinearStepCall, T *), unsigned blocks, T *numbers) {
  DeviceLimits limits;
  if (cudaError_t error = DeviceLimits::find(limits); error != cudaSuccess) return error;
  return launch_dependent(limits, kernel, dim3(blocks), kThreads, 0, 1, call.stream, call, numbers);
}

template <typename T>
cudaError_t prepare(const LinearStepCall &call, void *prepared) {
  T *to = static_cast<T *>(prepared);
  bool wide = is_wide<T>(call.x.data, call.rows == 1 ? 0 : call.x.stride, call.in) &&
              is_wide<T>(call.norm, 0, call.in) && is_wide<T>(prepared, 0, call.in);
  return launch(call, wide ? prepare_kernel<T, kWide<T>> : prepare_kernel<T, 1>, call.rows, to);
}

template <typename T>
cudaError_t finish(const LinearStepCall &call, const void *product) {
  const T *from = static_cast<const T *>(product);
  const Rows &residual = call.residual;
  bool wide = is_wide<T>(product, 0, call.out) && is_wide<T>(call.result, 0, call.out) &&
              is_wide<T>(residual.data, call.rows == 1 || !residual.data ? 0 : residual.stride, call.out);
  const int64_t items = int64_t(call.rows) * call.out / (wide ? kWide<T> : 1);
  const int64_t needed = (items + kThreads - 1) / kThreads;
  const unsigned blocks = static_cast<unsigned>(needed < kMostBlocks ? needed : kMostBlocks);
  return launch(call, wide ? finish_kernel<T, kWide<T>> : finish_kernel<T, 1>, blocks, from);
}

}  // namespace

cudaError_t prepare_rows(const LinearStepCall &call, bool half, void *prepared) {
  return half ? prepare<Half>(call, prepared) : prepare<float>(call, prepared);
}

cudaError_t finish_rows(const LinearStepCall &call, bool half, const void *product) {
  return half ? finish<Half>(call, product) : finish<float>(call, product);
}

}  // namespace jet::cuda
