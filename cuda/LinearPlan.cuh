// LinearPlan.cuh: how a decode step's product is shared out among blocks and warps, and how much memory that takes.
#pragma once

#include <algorithm>

#include "DependentLaunch.cuh"
#include "LinearStep.h"

namespace jet::cuda {

constexpr int kWarps = 8;
constexpr int kThreads = 32 * kWarps;
/// Rows of the weight that are multiplied together, and columns.
constexpr int kTileRows = 16;
constexpr int kColumns = 32;
constexpr int kItemBytes = kTileRows * kColumns * 2;
/// Items, of 1 KB, that a warp has on their way: many where a block that waits for its input has room beside the one
/// before it, as they are all that memory has to do meanwhile.
constexpr int kFewItems = 8;
constexpr int kManyItems = 12;
/// The most rows that are taken: with 16, libtorch's products are faster for nearly all shapes (docs/LOG.md).
constexpr int kMostRows = 8;
/// Sums of warps that wait to be added, at most.
constexpr int kMostSums = 4096;

/// How a call is shared out.
struct LinearPlan {
  int blocks;      // of the grid
  int share;       // features of a block
  int larger;      // blocks, the first ones, that have one more
  int tile_bits;   // a tile has at most 2^tile_bits features
  int pieces;      // of 32 columns
  int along;       // warps that share the columns of a tile, a power of 2
  int together;    // tiles whose sums are added together
  int sums;        // of all warps for these
  int row_stride;  // of x in shared memory, in elements: an odd number of 64 bytes, so that rows lie in other banks
  int items;       // that a warp has on their way
  int bytes;       // of shared memory

  LinearPlan(const LinearStepCall &call, const DeviceLimits &limits) {
    blocks = std::min(call.out, limits.multiprocessors);
    share = call.out / blocks;
    larger = call.out % blocks;
    tile_bits = call.gates_output ? 3 : 4;
    pieces = (call.in + kColumns - 1) / kColumns;
    int tiles = tiles_of(share + (larger > 0 ? 1 : 0));
    along = 1;
    int64_t least = 0;
    for (int ways = 1; ways <= kWarps && ways <= pieces; ways *= 2) {
      int groups = kWarps / ways;
      int64_t items = int64_t((pieces + ways - 1) / ways) * ((tiles + groups - 1) / groups);
      if (ways > 1 && items > least) continue;
      along = ways;
      least = items;
    }
    int groups = kWarps / along;
    int sums_of_round = kWarps * call.rows * kTileRows;
    int rounds = std::min(kMostSums / sums_of_round, (tiles + groups - 1) / groups);
    together = rounds * groups;
    sums = rounds * sums_of_round;
    row_stride = (pieces | 1) * kColumns;
    int64_t others = 4 * sums + 2 * int64_t(row_stride) * (call.rows + (call.norm ? 1 : 0));
    auto needed = [&](int items) { return int64_t(items) * kWarps * kItemBytes + others; };
    // Half a multiprocessor's memory and 2 KB: of two products that follow each other in a layer, the other leaves
    // these.
    int64_t room = limits.multiprocessor_shared_bytes / 2 + 2048 - kReservedSharedBytes;
    items = needed(kManyItems) <= room ? kManyItems : kFewItems;
    bytes = static_cast<int>(std::min<int64_t>(needed(items), INT32_MAX));
  }

  __host__ __device__ int tiles_of(int features) const { return (features + (1 << tile_bits) - 1) >> tile_bits; }
};

/// The features of a block, tile by tile; one division, while the input is not there yet.
struct Share {
  int first;
  int tiles;
  int each;    // features of a tile
  int larger;  // tiles, the first ones, that have one more

  __device__ explicit Share(const LinearPlan &plan) {
    const int block = blockIdx.x;
    const int count = plan.share + (block < plan.larger ? 1 : 0);
    first = block * plan.share + min(block, plan.larger);
    tiles = plan.tiles_of(count);
    each = count / tiles;
    larger = count - each * tiles;
  }

  /// The first feature of a tile.
  __device__ int begin(int tile) const { return first + tile * each + min(tile, larger); }
};

}  // namespace jet::cuda
