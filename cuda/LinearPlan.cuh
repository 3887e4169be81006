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
/// Vectors of eight numbers of x of which a lane reads the last before it uses the first.
constexpr int kReadTogether = 6;
/// Where x arrives, and all else is aligned behind it.
constexpr int kPlaceBytes = 128;
/// Sums of warps that may wait to be added, also where memory is short.
constexpr int kFewSums = 4096;

/// Warps that bring a row of x: all have one, if there are as many.
inline int ways_of(int rows) { return rows == 1 ? 8 : rows == 2 ? 4 : rows <= 4 ? 2 : 1; }
static_assert(kWarps == 8 && kMostRows == 8);

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
  bool brings;     // x by copies of whole rows, on Hopper where lanes would have to read more than once

  LinearPlan(const LinearStepCall &call, const DeviceLimits &limits) {
    blocks = std::min(call.out, limits.multiprocessors);
    share = call.out / blocks;
    larger = call.out % blocks;
    tile_bits = call.gates_output ? 3 : 4;
    pieces = (call.in + kColumns - 1) / kColumns;
    int tiles = tiles_of(share + (larger > 0 ? 1 : 0));
    row_stride = (pieces | 1) * kColumns;
    auto rounds_of = [&](int ways) { return (tiles + kWarps / ways - 1) / (kWarps / ways); };
    auto needed = [&](int items, int sums) {
      return int64_t(items) * kWarps * kItemBytes + 4 * int64_t(sums) +
             2 * int64_t(row_stride) * (call.rows + (call.norm ? 1 : 0)) + kPlaceBytes;
    };
    int sums_of_round = kWarps * call.rows * kTileRows;
    // Half a multiprocessor's memory and 2 KB: of two products that follow each other in a layer, the other leaves
    // these.
    int64_t room = limits.multiprocessor_shared_bytes / 2 + 2048 - kReservedSharedBytes;
    along = 1;
    int64_t least = 0;
    for (int ways = 1; ways <= kWarps && ways <= pieces; ways *= 2) {
      int64_t time = int64_t((pieces + ways - 1) / ways) * rounds_of(ways);
      if (ways > 1 && time > least) continue;
      along = ways;
      least = time;
    }
    int64_t rest = room - needed(kFewItems, 0);
    int sums_together = static_cast<int>(std::max<int64_t>(kFewSums, rest / 4));
    int rounds = std::min(sums_together / sums_of_round, rounds_of(along));
    together = rounds * (kWarps / along);
    sums = rounds * sums_of_round;
    brings = limits.is_hopper && pieces * (kColumns / 8) > kReadTogether * 32 * ways_of(call.rows);
    items = needed(kManyItems, sums) <= room ? kManyItems : kFewItems;
    bytes = static_cast<int>(std::min<int64_t>(needed(items, sums), INT32_MAX));
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
