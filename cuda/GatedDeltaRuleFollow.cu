// GatedDeltaRuleFollow.cu: from chunk to chunk by transitions, on Hopper's tensor cores.
//
// A block has 64 value columns of one head, transposed: value columns × keys or tokens. Its first warpgroup does nothing but
// what the next chunk waits for: it holds the memory, whose rounded numbers are the left factor of the next product, and
// hands these over to the second warpgroup, which makes and writes the results, and asks for transitions and values
// ahead. The reverse walk goes from the last chunk to the first, with the gradient of the outputs in the
// place of the values.

#include <algorithm>
#include <type_traits>

#include "Blocks.cuh"
#include "HandOver.cuh"
#include "Launch.cuh"
#include "TokenColumns.cuh"
#include "Transition.cuh"
#include "Warpgroup.cuh"

namespace jet::cuda {
namespace {

constexpr int kColumns = 64;
/// Threads of a warpgroup, and of a block.
constexpr int kGroup = 128;
constexpr int kThreads = 2 * kGroup;

/// What a walk reads beside the transitions, and what it leaves.
struct Route {
  TokenView given;     // V, or dO
  const float *first;  // [B, H, K, V] before the first chunk of the walk; null stands for zeros
  float *last;         // after the last one; null if nobody asks
  TokenView out;       // O, or dV
  Half *memories;      // [B·H·n, V', K'] before each chunk, transposed, in blocks
  Half *solved;        // [B·H·n, V', 64], U or Y transposed, in blocks
};

/// Parts of shared memory: transitions, values, the memory that is handed over, and a place a copy to arrive at.
template <int KP>
struct Rooms {
  static constexpr int kTiles = 3;                     // of values: of this step and the next two
  static constexpr int kTile = kChunk * kColumns * 2;  // tokens × value columns
  static constexpr int kHandOver = KP / 16 * kGroup * static_cast<int>(sizeof(uint4));
  static constexpr int kSlot = Transition<KP>::kBytes + static_cast<int>(sizeof(uint64_t));
  static constexpr int kFixed = kTiles * kTile + kHandOver + kTiles * static_cast<int>(sizeof(uint64_t));
};

#ifdef JET_HAS_WARPGROUPS

/// Barriers of the hand-over: left factors are there, and their place is free.
constexpr int kThere = 1;
constexpr int kFree = 2;

/// One walk as its two warpgroups see it.
template <int KP, Purpose kPurpose, bool kPaired>
struct Walker {
  using Layout = Transition<KP>;
  static constexpr int kTiles = KP / 8;
  static constexpr bool kReverse = kPurpose == Purpose::kReverse;

  const GatedDeltaRuleCall &call;
  const Route &route;
  RecordQueue queue;
  Half *tiles;           // [kTiles][kChunk][kColumns], eight columns at a time at 8 · (place ^ token mod 8)
  uint64_t *tile_there;  // [kTiles]
  uint4 *handed;         // [KP / 16][kGroup]
  bool aligned;          // rows of values can be copied 16 bytes at a time
  int chunks, sequence, b, h, first_column, width;

  __device__ int chunk(int step) const { return kReverse ? chunks - 1 - step : step; }
  __device__ uint4 *place(int factor) const { return handed + factor * kGroup + threadIdx.x % kGroup; }

  /// The slot of a step's transition or values, and how often it was used before.
  struct Turn {
    int slot = 0, use = 0;

    __device__ void advance(int slots) {
      if (++slot < slots) return;
      slot = 0;
      ++use;
    }
  };

  /// Asks for the transition of a step, if there is one. By one thread.
  __device__ void copy(int step, int slot) const {
    if (step >= chunks) return;
    int64_t record = int64_t(sequence) * chunks + chunk(step);
    queue.copy(slot, static_cast<const unsigned char *>(call.records) + record * Layout::kBytes);
  }

  /// Asks for the values of a step, if there is one. By the second group.
  __device__ void bring(int step, int tile) const {
    if (step >= chunks) return;
    int first = chunk(step) * kChunk, block_column = first_column - threadIdx.x % kGroup / 32 * 16;
    const Half *from = head_of<Half>(route.given, b, h) + block_column;
    Half *to = tiles + tile * (kChunk * kColumns);
    uint32_t there = RecordQueue::address(tile_there + tile);
    if (aligned) {
      constexpr int kRows = kGroup / 8;  // that the group copies at once
      int row = threadIdx.x % kGroup / 8, column = threadIdx.x % 8 * 8;
      bool is_inside = block_column + column < width;
      const Half *line = is_inside ? from + (first + row) * route.given.token + column : from;
      int64_t next = is_inside ? kRows * route.given.token : 0;
      uint32_t at = RecordQueue::address(to + row * kColumns + (column ^ row % 8 * 8));
#pragma unroll
      for (int i = 0; i < kChunk / kRows; ++i) {
        bool exists = is_inside && first + row + i * kRows < call.tokens;
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(at + i * kRows * kColumns * 2),
                     "l"(exists ? line : from), "r"(exists ? 16 : 0)
                     : "memory");
        line += next;
      }
      asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(there) : "memory");
    } else {
      for (int i = threadIdx.x % kGroup; i < kChunk * kColumns; i += kGroup) {
        int row = i / kColumns, column = i % kColumns, token = first + row;
        bool exists = token < call.tokens && block_column + column < width;
        to[row * kColumns + (column ^ row % 8 * 8)] =
            exists ? from[token * route.given.token + column] : rounded<Half>(0.0f);
      }
      asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(there) : "memory");
    }
  }

  /// The values of a step as left factors: value columns × tokens.
  __device__ void take_values(uint32_t (&given)[4][4], const Turn &turn) const {
    RecordQueue::await_phase(tile_there + turn.slot, turn.use);
    int lane = threadIdx.x % 32, warp = threadIdx.x % kGroup / 32;
    int token = lane % 8 + lane / 16 * 8, column = 16 * warp + 8 * (lane / 8 % 2);
    const Half *row = tiles + turn.slot * (kChunk * kColumns) + token * kColumns + (column ^ lane % 8 * 8);
#pragma unroll
    for (int k = 0; k < 4; ++k) load_matrices<true>(given[k], row + 16 * k * kColumns);
  }

  /// Where a number of the memory's sums lies in [B, H, K, V]; negative if its key or column does not exist.
  __device__ int64_t at(int n, int i) const {
    int lane = threadIdx.x % 32;
    int key = 8 * n + 2 * (lane % 4) + (i & 1), v = first_column + lane / 4 + 8 * (i >> 1);
    return key < call.key_width && v < width ? (int64_t(sequence) * call.key_width + key) * width + v : -1;
  }

  /// The first group's walk: the memory.
  __device__ void remember() const {
    float memory[kTiles][4];
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) memory[n][i] = route.first && at(n, i) >= 0 ? route.first[at(n, i)] : 0.0f;
    }
    Turn turn, tile;
    for (int step = 0; step < chunks; ++step) {
      uint32_t kept[KP / 16][4], given[4][4];
#pragma unroll
      for (int n = 0; n < kTiles; ++n) {
        kept[n / 2][2 * (n % 2)] = packed(memory[n][0], memory[n][1]);
        kept[n / 2][2 * (n % 2) + 1] = packed(memory[n][2], memory[n][3]);
      }
      if (step > 0) meet(kFree, kThreads);
#pragma unroll
      for (int k = 0; k < KP / 16; ++k) *place(k) = make_uint4(kept[k][0], kept[k][1], kept[k][2], kept[k][3]);
      pass(kThere, kThreads);
      take_values(given, tile);

      const unsigned char *data = queue.await(turn.slot, turn.use);
      uint64_t keys = right_factor(RecordQueue::address(data), KP);
      float total = *reinterpret_cast<const float *>(data + Layout::kTotal);
#pragma unroll
      for (int n = 0; n < kTiles; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) memory[n][i] *= total;
      }
      pin(memory);
      pin(given);
      begin_products();
#pragma unroll
      for (int k = 0; k < 4; ++k)
        begin_product<KP>(memory, given[kReverse ? 3 - k : k], further(keys, Layout::kWrite + 32 * KP * k));
#pragma unroll
      for (int k = 0; k < KP / 16; ++k)
        begin_product<KP>(memory, kept[k], further(keys, Layout::kErase + 32 * KP * k));
      commit_products();
      wait_products<0>();
      pin(memory);
      pin(kept);
      pin(given);
      turn.advance(queue.count);
      tile.advance(Rooms<KP>::kTiles);
    }
    if (!route.last) return;
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if (at(n, i) >= 0) route.last[at(n, i)] = memory[n][i];
      }
    }
  }

  /// Writes pairs of `N` keys or tokens for the lane's two value columns to the rows of a chunk.
  template <int N>
  __device__ void write_rows(Half *to, int chunk, const uint32_t (&pairs)[N / 8][2]) const {
    int lane = threadIdx.x % 32, padded_width = (width + 15) / 16 * 16;
    if (first_column >= padded_width) return;
    int64_t chunk_at = (int64_t(sequence) * chunks + chunk) * padded_width * N;
    Half *row = Blocks<Half>{to + chunk_at, N / 8}.at(first_column + lane / 4, 2 * (lane % 4));
#pragma unroll
    for (int n = 0; n < N / 8; ++n) {
      *reinterpret_cast<uint32_t *>(row + 64 * n) = pairs[n][0];
      *reinterpret_cast<uint32_t *>(row + 8 * N + 64 * n) = pairs[n][1];
    }
  }

  /// The second group's walk: results, and copies ahead.
  __device__ void answer() const {
    TokenColumns<Half> outputs{const_cast<Half *>(head_of<Half>(route.out, b, h)), route.out.token, call.tokens,
                               first_column, width, kPaired};
    int lane = threadIdx.x % 32;
    Turn turn, tile;
    if (threadIdx.x == kGroup) {
      for (int step = 0; step < queue.count; ++step) copy(step, step);
    }
    for (int step = 0; step < Rooms<KP>::kTiles; ++step) bring(step, step);
    auto before = [](int slot, int slots) { return (slot == 0 ? slots : slot) - 1; };
    // Results of the step before the present one, to be written while this one's products run.
    uint32_t solved[8][2];
    TokenColumns<Half>::Pairs written;
    auto write = [&](int step) {
      if constexpr (kPurpose != Purpose::kOutputs) write_rows<kChunk>(route.solved, chunk(step), solved);
      if constexpr (kPurpose != Purpose::kReplay) outputs.template store_packed<kPaired>(written, chunk(step) * kChunk);
    };
    for (int step = 0; step < chunks; ++step) {
      meet(kThere, kThreads);
      // Both groups have done with the step before this one.
      if (step > 0 && threadIdx.x == kGroup)
        copy(step - 1 + queue.count, before(turn.slot, queue.count));
      uint32_t kept[KP / 16][4], given[4][4];
      auto take = [&](uint32_t(&factor)[4], int index) {
        uint4 numbers = *place(index);
        factor[0] = numbers.x;
        factor[1] = numbers.y;
        factor[2] = numbers.z;
        factor[3] = numbers.w;
      };
#pragma unroll
      for (int k = 0; k < KP / 16; ++k) take(kept[k], k);
      if (step + 1 < chunks) pass(kFree, kThreads);
      take_values(given, tile);
      if constexpr (kPurpose != Purpose::kOutputs) {
        uint32_t pairs[kTiles][2];
#pragma unroll
        for (int n = 0; n < kTiles; ++n) {
          pairs[n][0] = kept[n / 2][2 * (n % 2)];
          pairs[n][1] = kept[n / 2][2 * (n % 2) + 1];
        }
        write_rows<KP>(route.memories, chunk(step), pairs);
      }

      const unsigned char *data = queue.await(turn.slot, turn.use);
      uint64_t tokens = right_factor(RecordQueue::address(data), kChunk);
      float results[8][4];
      pin(kept);
      pin(given);
      begin_products();
      begin_product<kChunk>(results, kept[0], further(tokens, Layout::kRead), false);
#pragma unroll
      for (int k = 1; k < KP / 16; ++k)
        begin_product<kChunk>(results, kept[k], further(tokens, Layout::kRead + 32 * kChunk * k));
      auto triangle = [&](auto columns) {
        constexpr int k = decltype(columns)::value;
        begin_product<Layout::pass_rows(k)>(results, given[kReverse ? 3 - k : k],
                                            right_factor(RecordQueue::address(data) + Layout::pass(k),
                                                         Layout::pass_rows(k)));
      };
      triangle(std::integral_constant<int, 0>());
      triangle(std::integral_constant<int, 1>());
      triangle(std::integral_constant<int, 2>());
      triangle(std::integral_constant<int, 3>());
      commit_products();
      float2 strengths[8];
      if constexpr (kReverse) {
#pragma unroll
        for (int n = 0; n < 8; ++n)
          strengths[n] = reinterpret_cast<const float2 *>(data + Layout::kStrength)[4 * n + lane % 4];
      }
      if (step > 0) {
        write(step - 1);
        bring(step - 1 + Rooms<KP>::kTiles, before(tile.slot, Rooms<KP>::kTiles));
      }
      wait_products<0>();
      pin(results);
      turn.advance(queue.count);
      tile.advance(Rooms<KP>::kTiles);

#pragma unroll
      for (int n = 0; n < 8; ++n) {
        float(&sums)[4] = results[kReverse ? n : Layout::reordered(8 * n) / 8];
        solved[n][0] = written.r[2 * n] = packed(sums[0], sums[1]);
        solved[n][1] = written.r[2 * n + 1] = packed(sums[2], sums[3]);
        if constexpr (kReverse) {
          written.r[2 * n] = packed(sums[0] * strengths[n].x, sums[1] * strengths[n].y);
          written.r[2 * n + 1] = packed(sums[2] * strengths[n].x, sums[3] * strengths[n].y);
        }
      }
    }
    write(chunks - 1);
  }
};

#endif

template <int KP, Purpose kPurpose, bool kPaired>
__global__ void __launch_bounds__(kThreads, 1)
    follow(GatedDeltaRuleCall call, Route route, int blocks_per_head, int slots, bool aligned) {
#ifdef JET_HAS_WARPGROUPS
  extern __shared__ __align__(128) unsigned char shared[];
  unsigned char *tiles = shared + slots * Transition<KP>::kBytes, *handed = tiles + Rooms<KP>::kTiles * Rooms<KP>::kTile;
  uint64_t *arrivals = reinterpret_cast<uint64_t *>(handed + Rooms<KP>::kHandOver);
  int sequence = blockIdx.x / blocks_per_head;
  int column = blockIdx.x % blocks_per_head * kColumns + threadIdx.x % kGroup / 32 * 16;
  Walker<KP, kPurpose, kPaired> walker{call,
                                       route,
                                       RecordQueue{shared, arrivals, slots, Transition<KP>::kBytes, 0},
                                       reinterpret_cast<Half *>(tiles),
                                       arrivals + slots,
                                       reinterpret_cast<uint4 *>(handed),
                                       aligned,
                                       call.chunks(),
                                       sequence,
                                       sequence / call.heads,
                                       sequence % call.heads,
                                       column,
                                       call.value_width};
  if (threadIdx.x == 0) {
    for (int tile = 0; tile < Rooms<KP>::kTiles; ++tile) RecordQueue::start_place(walker.tile_there + tile, kGroup);
  }
  walker.queue.start();
  __syncthreads();
  if (threadIdx.x < kGroup) walker.remember();
  else walker.answer();
#endif
}

template <int KP, Purpose kPurpose, bool kPaired>
cudaError_t launch(const GatedDeltaRuleCall &call, const Route &route) {
  Card card;
  cudaError_t error = Card::find(card);
  if (error != cudaSuccess) return error;
  int blocks_per_head = (call.value_width + kColumns - 1) / kColumns;
  int64_t blocks = int64_t(call.batch) * call.heads * blocks_per_head;
  int slots = std::clamp((card.shared_bytes - Rooms<KP>::kFixed) / Rooms<KP>::kSlot, 2, 4);
  int bytes = slots * Rooms<KP>::kSlot + Rooms<KP>::kFixed;
  auto *kernel = follow<KP, kPurpose, kPaired>;
  error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error != cudaSuccess) return error;
  kernel<<<static_cast<unsigned>(blocks), kThreads, bytes, call.stream>>>(call, route, blocks_per_head, slots,
                                                                       is_aligned(route.given, call.value_width, 2));
  return cudaGetLastError();
}

template <Purpose kPurpose>
cudaError_t launch(const GatedDeltaRuleCall &call, const Route &route) {
  bool paired = is_paired(route.given, call.value_width);
  switch (padded_key_width(call.key_width)) {
    case 64: return paired ? launch<64, kPurpose, true>(call, route) : launch<64, kPurpose, false>(call, route);
    case 96: return paired ? launch<96, kPurpose, true>(call, route) : launch<96, kPurpose, false>(call, route);
    case 128: return paired ? launch<128, kPurpose, true>(call, route) : launch<128, kPurpose, false>(call, route);
    default: return cudaErrorNotSupported;
  }
}

}  // namespace

cudaError_t gated_delta_rule_follow(const GatedDeltaRuleCall &call, const TokenView &out, float *memory) {
  return launch<Purpose::kOutputs>(call, Route{call.value, call.memory, memory, out, nullptr, nullptr});
}

cudaError_t gated_delta_rule_follow_replay(const GatedDeltaRuleCall &call, const Replay &replay) {
  return launch<Purpose::kReplay>(call, Route{call.value, call.memory, nullptr, {}, static_cast<Half *>(replay.memories),
                                              static_cast<Half *>(replay.corrections)});
}

cudaError_t gated_delta_rule_follow_reverse(const GatedDeltaRuleCall &call, const GatedDeltaRuleGradients &gradients) {
  int64_t token = int64_t(call.heads) * call.value_width;
  TokenView of_values{gradients.value, call.tokens * token, token, call.value_width};
  return launch<Purpose::kReverse>(call, Route{gradients.out, gradients.final_memory, gradients.memory, of_values,
                                               static_cast<Half *>(gradients.memories),
                                               static_cast<Half *>(gradients.solved)});
}

}  // namespace jet::cuda
