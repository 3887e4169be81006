// TokenTiles.cuh: tiles of 64 tokens × 64 columns of one head, copied to and from shared memory by Hopper's tensor
// copies.
//
// In shared memory a token's row is 128 bytes, and its eight columns of place p lie at p ^ token mod 8, so that eight
// rows of a place are read at once without a conflict. What does not exist is read as zeros and not written.
#pragma once

#include <cuda.h>

#include "Launch.cuh"

namespace jet::cuda {

constexpr int kTileColumns = 64;
constexpr int kTileBytes = kChunk * kTileColumns * 2;  // aligned to 1,024 bytes in shared memory

/// The driver's function that describes a tensor to copies, or null.
inline decltype(&cuTensorMapEncodeTiled) tensor_encoder() {
  static const auto encode = [] {
    void *found = nullptr;
    cudaDriverEntryPointQueryResult state;
    cudaError_t error =
        cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, 12000, cudaEnableDefault, &state);
    bool exists = error == cudaSuccess && state == cudaDriverEntryPointSuccess;
    return exists ? reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(found) : nullptr;
  }();
  return encode;
}

/// Describes a bfloat16 tensor of N dimensions, the last first, whose numbers of the first lie side by side, in
/// `box`es.
///
/// - strides: of the other dimensions, in elements.
template <int N>
cudaError_t describe_tensor(CUtensorMap &map, const void *data, const int64_t (&sizes)[N],
                            const int64_t (&strides)[N - 1], const int (&box)[N], CUtensorMapSwizzle swizzle) {
  const auto encode = tensor_encoder();
  if (!encode) return cudaErrorNotSupported;
  // The driver asks for a context in this thread, which a thread of libtorch's gradients may not have had a use for
  // yet.
  int device = 0;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess) error = cudaSetDevice(device);
  if (error != cudaSuccess) return error;
  cuuint64_t counts[N], bytes[N - 1];
  cuuint32_t boxes[N], steps[N];
  for (int i = 0; i < N; ++i) {
    counts[i] = static_cast<cuuint64_t>(sizes[i]);
    boxes[i] = static_cast<cuuint32_t>(box[i]);
    steps[i] = 1;
    if (i + 1 < N) bytes[i] = static_cast<cuuint64_t>(2 * strides[i]);
  }
  CUresult result = encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, N, const_cast<void *>(data), counts, bytes, boxes,
                           steps, CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle, CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
                           CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

/// How the copies find the tiles of a bfloat16 tensor [B, T, H, V].
struct TokenTiles {
  CUtensorMap map;

  /// Whether the copies can move rows of `width` numbers.
  static bool fit(const TokenView &view, int width) {
    return is_aligned(view, width, 2) && view.batch > 0 && view.token > 0 && view.head > 0;
  }

  cudaError_t describe(const TokenView &view, int batch, int tokens, int heads, int width) {
    return describe_tensor<4>(map, view.data, {width, heads, tokens, batch}, {view.head, view.token, view.batch},
                              {kTileColumns, 1, kChunk, 1}, CU_TENSOR_MAP_SWIZZLE_128B);
  }
};

/// Where a column of a token lies in a tile, in elements.
__device__ inline int tile_place(int token, int column) { return token * kTileColumns + (column ^ token % 8 * 8); }

#if __CUDA_ARCH__ >= 900

/// Begins a copy of a tile, which arrives at `arrival`, a barrier that expects kTileBytes of it. By one thread.
__device__ inline void bring_tile(void *to, const TokenTiles &from, int b, int token, int h, int column,
                                  uint64_t *arrival) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, %5}], "
      "[%6];" ::"r"(shared_address(to)),
      "l"(&from.map), "r"(column), "r"(h), "r"(token), "r"(b), "r"(shared_address(arrival))
      : "memory");
}

/// Begins to write a tile, as a group of its own. By one thread, after all that wrote it have passed show_writes() and
/// met.
__device__ inline void send_tile(const TokenTiles &to, int b, int token, int h, int column, const void *from) {
  asm volatile(
      "cp.async.bulk.tensor.4d.global.shared::cta.tile.bulk_group [%0, {%1, %2, %3, %4}], [%5];" ::"l"(&to.map),
      "r"(column), "r"(h), "r"(token), "r"(b), "r"(shared_address(from))
      : "memory");
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
/// Waits until all groups of the thread but the last `kPending` have been read from shared memory.
template <int kPending>
__device__ inline void await_sent() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(kPending) : "memory");
}

#endif

}  // namespace jet::cuda
