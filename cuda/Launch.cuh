// Launch.cuh: how the kernels that walk over the chunks share the card.
#pragma once

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

/// Warps of a block, each with 16 value columns, and records held in shared memory at once.
struct Walk {
  int warps;
  int blocks_per_head;
  int stages;

  Walk(const Card &card, int64_t heads, int value_width, int record_bytes) {
    int slices = (value_width + 15) / 16;
    warps = 4;
    // Narrow blocks where wide ones would leave multiprocessors without any.
    while (warps > 1 && (warps > slices || heads * ((slices + warps - 1) / warps) < card.multiprocessors)) warps /= 2;
    blocks_per_head = (slices + warps - 1) / warps;
    int together = card.shared_bytes / (2 * record_bytes + 64);
    bool is_double = together >= 1 && heads * blocks_per_head <= int64_t(card.multiprocessors) * together;
    stages = is_double ? 2 : 1;
  }

  int shared_bytes(int record_bytes) const { return stages * record_bytes + 16; }
};

}  // namespace jet::cuda
