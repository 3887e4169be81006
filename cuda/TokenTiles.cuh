// TokenTiles.cuh: tiles of 64 tokens × 64 columns of one head, copied to and from shared memory by Hopper's tensor copies.
//
// In shared memory a token's row is 128 bytes, and its eight columns of place p lie at p ^ token mod 8, so that eight rows
// of a place are read at once without a conflict. What does not exist is read as zeros and not written.
#pragma once

#include <cuda.h>

#include "Launch.cuh"

namespace jet::cuda {

constexpr int kTileColumns = 64;
constexpr int kTileBytes = kChunk * kTileColumns * 2;  // aligned to 1,024 bytes in shared memory

/// How the copies find the tiles of a bfloat16 tensor [B, T, H, V].
struct TokenTiles {
  CUtensorMap map;

  /// Whether the copies can move rows of `width` numbers.
  static bool fit(const TokenView &view, int width) {
    return is_aligned(view, width, 2) && view.batch > 0 && view.token > 0 && view.head > 0;
  }

  cudaError_t describe(const TokenView &view, int batch, int tokens, int heads, int width) {
    static const auto encode = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(encoder());
    if (!encode) return cudaErrorNotSupported;
    auto bytes = [](int64_t elements) { return static_cast<cuuint64_t>(elements * 2); };
    auto count = [](int n) { return static_cast<cuuint64_t>(n); };
    cuuint64_t sizes[] = {count(width), count(heads), count(tokens), count(batch)};
    cuuint64_t strides[] = {bytes(view.head), bytes(view.token), bytes(view.batch)};
    cuuint32_t box[] = {kTileColumns, 1, kChunk, 1}, steps[] = {1, 1, 1, 1};
    CUresult result = encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 4, const_cast<void *>(view.data), sizes, strides, box,
                             steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                             CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
  }

 private:
  /// The driver's function, or null.
  static void *encoder() {
    void *found = nullptr;
    cudaDriverEntryPointQueryResult state;
    cudaError_t error =
        cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, 12000, cudaEnableDefault, &state);
    return error == cudaSuccess && state == cudaDriverEntryPointSuccess ? found : nullptr;
  }
};

/// Where a column of a token lies in a tile, in elements.
__device__ inline int tile_place(int token, int column) { return token * kTileColumns + (column ^ token % 8 * 8); }

#if __CUDA_ARCH__ >= 900

/// Begins a copy of a tile, which arrives at `arrival`, a barrier that expects kTileBytes of it. By one thread.
__device__ inline void bring_tile(void *to, const TokenTiles &from, int b, int token, int h, int column, uint64_t *arrival) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, %5}], "
      "[%6];" ::"r"(shared_address(to)),
      "l"(&from.map), "r"(column), "r"(h), "r"(token), "r"(b),
      "r"(shared_address(arrival))
      : "memory");
}

/// Begins to write a tile, as a group of its own. By one thread, after all that wrote it have passed show_writes() and met.
__device__ inline void send_tile(const TokenTiles &to, int b, int token, int h, int column, const void *from) {
  asm volatile("cp.async.bulk.tensor.4d.global.shared::cta.tile.bulk_group [%0, {%1, %2, %3, %4}], [%5];" ::"l"(&to.map),
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
