// PagedWalk.cuh: which tokens of which sequences a block of paged attention has.
//
// Sequences stand in order, the key heads of each one after another, and each of those as its units. Block b has the
// units b · share up to (b + 1) · share, with share = ⌈units / blocks⌉. A sequence without tokens has one unit, so that
// its zeros are written.
#pragma once

#include "PagedAttention.h"

namespace jet::cuda {

/// Threads of a block of paged attention.
constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;

__device__ inline int tokens_of(const PagedAttentionCall &call, int n) {
  // A position is below 2³¹ − 1; beyond the pages there is nothing to attend to.
  int position = call.positions[n];
  return position < 0 ? 0 : position < call.limit ? position + 1 : call.limit;
}

__device__ inline int units_of(int tokens) { return tokens <= kUnit ? 1 : (tokens + kUnit - 1) / kUnit; }

/// The part of one key head of one sequence that a block has, and the way to the next one.
struct PagedWalk {
  int n, g;          // sequence and key head
  int tokens;        // of the sequence
  int first, end;    // tokens of the part
  int start;         // the part's first unit
  int taken, units;  // units of the part and of the whole
  int left;          // units of the block behind the part

  __device__ void open(const PagedAttentionCall &call) {
    tokens = tokens_of(call, n);
    units = units_of(tokens);
    taken = min(units - start, left);
    left -= taken;
    first = start * kUnit;
    end = min((start + taken) * kUnit, tokens);
  }

  /// Goes to the next part; there is one while `left` is above 0.
  __device__ void next(const PagedAttentionCall &call) {
    start = 0;
    if (++g == call.key_heads) {
      g = 0;
      ++n;
    }
    open(call);
  }

  __device__ bool begins() const { return start == 0; }
  __device__ bool ends() const { return start + taken == units; }
};

/// Finds the block's first part, with all its threads; false where it has none. `share` is that of each block.
__device__ inline bool find_start(const PagedAttentionCall &call, PagedWalk &walk, int &share) {
  __shared__ int warp_sums[kWarps], found[2];
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int each = (call.sequences + kThreads - 1) / kThreads;
  int from = min(static_cast<int>(threadIdx.x) * each, call.sequences), to = min(from + each, call.sequences);
  int own = 0;
  for (int n = from; n < to; ++n) own += units_of(tokens_of(call, n));
  int before = own;  // with those of the warp's earlier lanes
#pragma unroll
  for (int apart = 1; apart < 32; apart *= 2) {
    int other = __shfl_up_sync(~0u, before, apart);
    if (lane >= apart) before += other;
  }
  if (lane == 31) warp_sums[warp] = before;
  __syncthreads();
  before -= own;
  int total = 0;
  for (int w = 0; w < kWarps; ++w) {
    if (w < warp) before += warp_sums[w];
    total += warp_sums[w];
  }
  total *= call.key_heads;
  share = (total + static_cast<int>(gridDim.x) - 1) / static_cast<int>(gridDim.x);
  int begin = static_cast<int>(blockIdx.x) * share;
  if (begin >= total) return false;
  int rest = begin - before * call.key_heads;
  if (rest >= 0 && rest < own * call.key_heads) {
    int n = from;
    for (int units = units_of(tokens_of(call, n)) * call.key_heads; rest >= units;
         units = units_of(tokens_of(call, n)) * call.key_heads) {
      rest -= units;
      ++n;
    }
    found[0] = n;
    found[1] = rest;
  }
  __syncthreads();
  walk.n = found[0];
  int units = units_of(tokens_of(call, walk.n));
  walk.g = found[1] / units;
  walk.start = found[1] % units;
  walk.left = min(share, total - begin);
  walk.open(call);
  return true;
}

/// Where a part's result goes: −1 to the output, else the slot of `partials`.
///
/// Slot 0 is for a part that an earlier block began, slot 1 for one that this block begins and others end.
__device__ inline int slot_of(const PagedWalk &walk) {
  if (!walk.begins()) return 2 * static_cast<int>(blockIdx.x);
  return walk.ends() ? -1 : 2 * static_cast<int>(blockIdx.x) + 1;
}

/// What the second kernel is told of a part in slot 1: sequence, key head and the blocks that share it.
__device__ inline int4 span_of(const PagedWalk &walk, int share) {
  // The part is the block's last, so the units behind it are those of the blocks that follow.
  int behind = walk.units - walk.start - walk.taken;
  return make_int4(walk.n, walk.g, 1 + (behind + share - 1) / share, 0);
}

}  // namespace jet::cuda
