// Launch.cuh: how the kernels that walk over the chunks share the card.
#pragma once

#include "Hopper.h"
#include "Record.cuh"

namespace jet::cuda {

/// The most shared memory of a block on the present device, and its multiprocessors.
struct Card {
  int shared_bytes = 0;
  int multiprocessors = 0;

  static cudaError_t find(Card &card) {
    int device = 0;
    cudaError_t error = cudaGetDevice(&device);
    if (error == cudaSuccess)
      error = cudaDeviceGetAttribute(&card.shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
    if (error == cudaSuccess)
      error = cudaDeviceGetAttribute(&card.multiprocessors, cudaDevAttrMultiProcessorCount, device);
    return error;
  }
};

/// Warps of a block, each with 16 value columns, and the shared memory of its records.
///
/// The part of a record that is needed from a chunk's beginning to its end has two slots where they fit, so that the
/// next one arrives meanwhile; the part that is needed in the middle has one, and arrives while the memory is updated.
struct Walk {
  int warps;
  int blocks_per_head;
  int slots;
  int bytes;

  Walk(const Card &card, int64_t heads, int value_width, int outer_bytes, int inner_bytes) {
    int slices = (value_width + 15) / 16;
    warps = 4;
    // Narrow blocks where wide ones would leave multiprocessors without any.
    while (warps > 1 && (warps > slices || heads * ((slices + warps - 1) / warps) < card.multiprocessors)) warps /= 2;
    blocks_per_head = (slices + warps - 1) / warps;
    int arrivals = 3 * static_cast<int>(sizeof(uint64_t));
    slots = 2 * outer_bytes + inner_bytes + arrivals <= card.shared_bytes ? 2 : 1;
    bytes = slots * outer_bytes + inner_bytes + arrivals;
  }
};

/// Whether numbers of rows of `width` can be moved in pairs of two bytes each.
inline bool is_paired(const TokenView &view, int width) {
  return reinterpret_cast<uintptr_t>(view.data) % 4 == 0 && (view.batch | view.token | view.head | width) % 2 == 0;
}

/// Whether rows of `width` elements can be moved 16 bytes at a time.
inline bool is_aligned(const TokenView &view, int width, int element_bytes) {
  int64_t vector = 16 / element_bytes;
  return reinterpret_cast<uintptr_t>(view.data) % 16 == 0 && view.batch % vector == 0 && view.token % vector == 0 &&
         view.head % vector == 0 && width % vector == 0;
}

/// As many blocks on a multiprocessor as registers and shared memory should allow.
constexpr int blocks_together(int key_width, int element_bytes) {
  return element_bytes == 4 ? 1 : key_width <= 96 ? 3 : key_width <= 128 ? 2 : 1;
}

}  // namespace jet::cuda
