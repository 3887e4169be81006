// PagedWalk.cuh: which pieces of which sequences a block of paged attention has.
//
// Sequences stand in order, the key heads of each one after another, and each of those as its units. Of U units in all
// and B blocks block b has the pieces whose middle lies in the units ⌊b U / B⌋ up to ⌊(b + 1) U / B⌋. A sequence
// without tokens has one unit, so that its zeros are written.
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

/// Pieces of a sequence; piece j has the units ⌊j P / S⌋ up to ⌊(j + 1) P / S⌋ of P.
__device__ inline int pieces_of(const PagedAttentionCall &call, int units) {
  return min(call.pieces[32 - __clz(units - 1)], units);
}

/// The piece that a block is at, and the way to the next one.
struct PagedWalk {
  int n, g;        // sequence and key head
  int tokens;      // of the sequence
  int units;       // of the sequence
  int pieces;      // of the sequence
  int piece;       // of these
  int first, end;  // tokens of the piece
  int rest;        // units of the block's part of the row, from the key head's first one on

  __device__ int start_of(int j) const { return static_cast<int>(int64_t(j) * units / pieces); }
  /// Whether the block has piece j of the key head, if it has those from the part's beginning on.
  __device__ bool has(int j) const { return (start_of(j) + start_of(j + 1)) / 2 < rest; }

  __device__ void open(const PagedAttentionCall &call) {
    tokens = tokens_of(call, n);
    units = units_of(tokens);
    pieces = pieces_of(call, units);
  }

  __device__ void take(int j) {
    piece = j;
    first = start_of(j) * kUnit;
    end = min(start_of(j + 1) * kUnit, tokens);
  }

  /// Goes to the next piece of the block; false where there is none.
  __device__ bool advance(const PagedAttentionCall &call) {
    if (piece + 1 < pieces) {
      if (!has(piece + 1)) return false;
      take(piece + 1);
      return true;
    }
    return open_next(call);
  }

  __device__ bool open_next(const PagedAttentionCall &call) {
    rest -= units;
    if (rest <= 0) return false;
    if (++g == call.key_heads) {
      g = 0;
      ++n;
    }
    open(call);
    if (!has(0)) return false;
    take(0);
    return true;
  }

  /// Finds the first piece whose middle is not before unit `from` of the key head.
  __device__ bool begin(const PagedAttentionCall &call, int from) {
    open(call);
    int j = static_cast<int>(int64_t(from) * pieces / units);
    while (j < pieces && (start_of(j) + start_of(j + 1)) / 2 < from) ++j;
    if (j == pieces) return open_next(call);
    if (!has(j)) return false;
    take(j);
    return true;
  }

  __device__ bool is_last() const { return piece + 1 == pieces; }
  __device__ int64_t head(const PagedAttentionCall &call) const { return int64_t(n) * call.key_heads + g; }
  /// Where the piece's sums go among the partial results.
  __device__ int64_t slot(const PagedAttentionCall &call) const { return head(call) * call.most_pieces + piece; }
};

/// How a block joins the pieces that it has one behind the other.
struct PagedJoin {
  PagedWalk next;
  bool more;         // there is a next piece
  bool opens;        // the present piece is the first of its key head here
  bool from_first;   // the block has all pieces of the key head up to the present one
  bool has_earlier;  // and some before it, whose sums it has kept
  bool goes_on;      // and keeps these for the next one
  bool is_whole;     // and no other block has any

  __device__ explicit PagedJoin(const PagedWalk &walk) : opens(true), from_first(walk.piece == 0) {}

  __device__ void look_ahead(const PagedAttentionCall &call, const PagedWalk &walk) {
    next = walk;
    more = next.advance(call);
    has_earlier = from_first && walk.piece > 0;
    goes_on = from_first && more && !walk.is_last();
    is_whole = from_first && walk.is_last();
  }

  /// Goes on to the next piece; at the end tells the second kernel what the block leaves to be joined.
  __device__ bool proceed(const PagedAttentionCall &call, PagedWalk &walk) {
    if (!more) {
      bool leaves = from_first && !walk.is_last();
      if (threadIdx.x == 0)
        call.spans[blockIdx.x] = leaves ? make_int4(walk.n, walk.g, walk.piece, walk.pieces) : make_int4(-1, 0, 0, 0);
      return false;
    }
    opens = next.piece == 0;
    from_first |= opens;
    walk = next;
    return true;
  }
};

/// Finds the block's first piece, with all its threads; false where it has none.
__device__ inline bool find_start(const PagedAttentionCall &call, PagedWalk &walk) {
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
  int begin = static_cast<int>(int64_t(total) * blockIdx.x / gridDim.x);
  int end = static_cast<int>(int64_t(total) * (blockIdx.x + 1) / gridDim.x);
  if (begin == end) return false;
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
  int unit = found[1] % units;
  walk.rest = unit + end - begin;
  return walk.begin(call, unit);
}

}  // namespace jet::cuda
