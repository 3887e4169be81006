// TransitionWalk.cuh: from chunk to chunk by transitions, on Hopper's tensor cores.
//
// A block has 64 value columns of one head, transposed: value columns × keys or tokens. Its first warpgroup does
// nothing but what the next chunk waits for: it holds the memory, whose rounded numbers are the left factor of the next
// product, and hands these over to the second warpgroup, which makes the results. One more warp asks for transitions,
// which the blocks of a head share, and values ahead, and one sends results out. The reverse walk goes from the last
// chunk to the first, with the gradient of the outputs in the place of the values. A training walk makes outputs and
// corrections.
#pragma once

#include <type_traits>

#include "Blocks.cuh"
#include "HandOver.cuh"
#include "SharedRecords.cuh"
#include "TokenColumns.cuh"
#include "TokenTiles.cuh"
#include "Transition.cuh"
#include "Warpgroup.cuh"

namespace jet::cuda {

/// Threads of a warpgroup, and of a block: two of these, a warp for what comes in and one for what goes out.
constexpr int kGroup = 128;
constexpr int kThreads = 2 * kGroup + 64;
/// The most blocks of a head that share their copies of transitions.
constexpr int kSharing = 4;

/// What a walk is for: the outputs; what the gradients read of a forward pass; both of these; the way back.
enum class Purpose { kOutputs, kReplay, kTraining, kReverse };

/// Whether a walk makes outputs or gradients of values, and whether it leaves memories and solutions, U or Y.
constexpr bool writes_values(Purpose purpose) { return purpose != Purpose::kReplay; }
constexpr bool writes_solved(Purpose purpose) { return purpose != Purpose::kOutputs; }

/// Whether what both directions have of a transition comes from the records of the way back.
constexpr bool borrows(Purpose purpose) { return purpose == Purpose::kReplay || purpose == Purpose::kTraining; }

/// What a walk reads beside the call's records, and what it leaves.
struct Route {
  TokenView given;     // V, or dO
  const float *first;  // [B, H, K, V] before the first chunk of the walk; null stands for zeros
  float *last;         // after the last one; null if nobody asks
  TokenView out;       // O, or dV
  Half *memories;      // [B·H·n, V', K'] before each chunk, transposed, in blocks
  Half *solved;        // [B·H·n, V', 64], U or Y transposed, in blocks
  const void *lent;    // the records of the way back, if the walk borrows of them
};

/// Parts of shared memory: the values of steps, results on their way out, the memory that is handed over, transitions.
template <int KP, Purpose kPurpose>
struct Rooms {
  using Layout = Transition<KP>;
  static constexpr int kRecord = borrows(kPurpose) ? Layout::kBoth + Layout::kTwo : Layout::kBytes;
  // Whether outputs are written while the next step's products run. In a training walk of wide keys there are neither
  // registers nor room for that.
  static constexpr bool kDefers = !borrows(kPurpose) || KP <= 96;
  static constexpr int kOutputs = kDefers ? 2 : 1;
  static constexpr int kHandOver = KP / 16 * kGroup * static_cast<int>(sizeof(uint4));
  static constexpr int kFixed = kOutputs * kTileBytes + kHandOver;
  static constexpr int kSlot = kTileBytes + kRecord + 2 * static_cast<int>(sizeof(uint64_t));
  static constexpr int kLeastSlots = 2;
  static constexpr int kMostSlots = 4;
  static_assert(Layout::kBoth % (16 * kSharing) == 0 && Layout::kOne % (16 * kSharing) == 0 && kHandOver % 128 == 0);
  static_assert(kFixed + kLeastSlots * kSlot <= kSharedOnHopper);
};

#ifdef JET_HAS_WARPGROUPS

/// Barriers of the hand-over: left factors are there, and their place is free. The same of results.
constexpr int kThere = 1;
constexpr int kFree = 2;
constexpr int kWritten = 3;
constexpr int kTaken = 4;

/// One walk as its warps see it.
template <int KP, Purpose kPurpose, bool kAligned>
struct Walker {
  using Layout = Transition<KP>;
  using Room = Rooms<KP, kPurpose>;
  static constexpr int kTiles = KP / 8;
  static constexpr bool kReverse = kPurpose == Purpose::kReverse;
  static constexpr int kOwn = Layout::kBoth;  // where in a record its own direction's part begins

  const GatedDeltaRuleCall &call;
  const Route &route;
  const TokenTiles &given_tiles;
  const TokenTiles &out_tiles;
  SharedRecords records;
  Half *values;   // a tile a slot
  Half *outputs;  // [kOutputs] tiles
  uint4 *handed;  // [KP / 16][kGroup]
  int chunks, sequence, b, h;
  int block_column;  // the first one of the block
  int first_column;  // of the warp
  int width;

  __device__ int chunk(int step) const { return kReverse ? chunks - 1 - step : step; }
  __device__ uint4 *place(int factor) const { return handed + factor * kGroup + threadIdx.x % kGroup; }

  /// The slot of a step, and how often it was used before.
  struct Turn {
    int slot = 0, use = 0;

    __device__ void advance(int slots) {
      if (++slot < slots) return;
      slot = 0;
      ++use;
    }
  };

  __device__ Half *tile(int slot) const { return values + slot * (kTileBytes / 2); }
  __device__ Half *output(int step) const { return outputs + step % Room::kOutputs * (kTileBytes / 2); }

  /// A warp's walk: asks for transitions and values as soon as there is a place.
  __device__ void bring() const {
    int lane = threadIdx.x % 32;
    if (kAligned && lane > 0) return;
    Turn turn;
    for (int step = 0; step < chunks; ++step) {
      int first = chunk(step) * kChunk;
      records.await_release(turn.slot, turn.use);
      if constexpr (!kAligned) {
        const Half *from = head_of<Half>(route.given, b, h) + block_column;
        for (int i = lane; i < kChunk * kTileColumns; i += 32) {
          int token = i / kTileColumns, column = i % kTileColumns;
          bool exists = first + token < call.tokens && block_column + column < width;
          tile(turn.slot)[tile_place(token, column)] =
              exists ? from[(first + token) * route.given.token + column] : rounded<Half>(0.0f);
        }
        __syncwarp();
      }
      if (lane == 0) {
        int64_t record = int64_t(sequence) * chunks + chunk(step);
        const unsigned char *own = static_cast<const unsigned char *>(call.records);
        records.expect(turn.slot, kAligned ? kTileBytes : 0);
        if constexpr (borrows(kPurpose)) {
          records.fetch(turn.slot, 0, static_cast<const unsigned char *>(route.lent) + record * Layout::kBytes,
                        Layout::kBoth);
          records.fetch(turn.slot, Layout::kBoth, own + record * Layout::kTwo, Layout::kTwo);
        } else {
          records.fetch(turn.slot, 0, own + record * Layout::kBytes, Layout::kBytes);
        }
        if constexpr (kAligned)
          bring_tile(tile(turn.slot), given_tiles, b, first, h, block_column, records.arrivals + turn.slot);
      }
      __syncwarp(kAligned ? 1 : ~0u);
      turn.advance(records.count);
    }
  }

  /// A warp's walk: sends results out.
  __device__ void send() const {
    for (int step = 0; step < chunks; ++step) {
      meet(kWritten, kGroup + 32);
      if (threadIdx.x % 32 == 0) {
        send_tile(out_tiles, b, chunk(step) * kChunk, h, block_column, output(step));
        // The results of the step before have been read.
        await_sent<Room::kOutputs - 1>();
      }
      __syncwarp();
      if (step + 1 < chunks) pass(kTaken, kGroup + 32);
    }
    await_sent<0>();
  }

  /// The values of a step as left factors: value columns × tokens.
  __device__ void take_values(uint32_t (&given)[4][4], int slot) const {
    int lane = threadIdx.x % 32, warp = threadIdx.x % kGroup / 32;
    int token = lane % 8 + lane / 16 * 8, column = 16 * warp + 8 * (lane / 8 % 2);
    const Half *row = tile(slot) + tile_place(token, column);
#pragma unroll
    for (int k = 0; k < 4; ++k) load_matrices<true>(given[k], row + 16 * k * kTileColumns);
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
    Turn turn;
    for (int step = 0; step < chunks; ++step) {
      uint32_t kept[KP / 16][4], given[4][4];
#pragma unroll
      for (int n = 0; n < kTiles; ++n) {
        kept[n / 2][2 * (n % 2)] = packed(memory[n][0], memory[n][1]);
        kept[n / 2][2 * (n % 2) + 1] = packed(memory[n][2], memory[n][3]);
      }
      if (step > 0) meet(kFree, 2 * kGroup);
#pragma unroll
      for (int k = 0; k < KP / 16; ++k) *place(k) = make_uint4(kept[k][0], kept[k][1], kept[k][2], kept[k][3]);
      pass(kThere, 2 * kGroup);

      const unsigned char *data = records.await(turn.slot, turn.use);
      take_values(given, turn.slot);
      uint32_t place_of_data = factor_place(shared_address(data));
      float total = *reinterpret_cast<const float *>(data + Layout::kTotal);
#pragma unroll
      for (int n = 0; n < kTiles; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) memory[n][i] *= total;
      }
      pin(memory);
      pin(kept);
      pin(given);
      begin_products();
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        if constexpr (kReverse)
          begin_product<KP, true>(memory, given[3 - k], turned_factor(place_of_data, kChunk, Layout::kRead + 256 * k));
        else begin_product<KP>(memory, given[k], right_factor(place_of_data, KP, kOwn + Layout::kWrite + 32 * KP * k));
      }
#pragma unroll
      for (int k = 0; k < KP / 16; ++k) {
        if constexpr (kReverse)
          begin_product<KP, true>(memory, kept[k], turned_factor(place_of_data, KP, Layout::kErase + 256 * k));
        else begin_product<KP>(memory, kept[k], right_factor(place_of_data, KP, Layout::kErase + 32 * KP * k));
      }
      commit_products();
      wait_products<0>();
      pin(memory);
      pin(kept);
      pin(given);
      turn.advance(records.count);
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

  /// Puts results where `send` finds them.
  __device__ void hand_out(int step, const uint32_t (&pairs)[8][2]) const {
    int lane = threadIdx.x % 32, warp = threadIdx.x % kGroup / 32;
    if constexpr (kAligned) {
      // Not before the sender has met for the step before: a barrier takes one step at a time.
      if (step > 0) meet(kTaken, kGroup + 32);
      Half *row = output(step) + tile_place(lane / 16 * 8 + lane % 8, 16 * warp + 8 * (lane / 8 % 2));
#pragma unroll
      for (int n = 0; n < 8; n += 2) {
        asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(
                         shared_address(row + 8 * n * kTileColumns)),
                     "r"(pairs[n][0]), "r"(pairs[n][1]), "r"(pairs[n + 1][0]), "r"(pairs[n + 1][1])
                     : "memory");
      }
      show_writes();
      pass(kWritten, kGroup + 32);
    } else {
      TokenColumns<Half> columns{
          const_cast<Half *>(head_of<Half>(route.out, b, h)), route.out.token, call.tokens, first_column, width, false};
      TokenColumns<Half>::Pairs all;
#pragma unroll
      for (int i = 0; i < 16; ++i) all.r[i] = pairs[i / 2][i % 2];
      columns.store_packed(all, chunk(step) * kChunk);
    }
  }

  /// Begins the results of a chunk from its memory and its values, by a pair of factors in its transition.
  template <int kRead, int kPass>
  __device__ static void begin_answer(float (&sums)[8][4], const uint32_t (&kept)[KP / 16][4],
                                      const uint32_t (&given)[4][4], uint32_t place_of_data) {
    begin_product<kChunk>(sums, kept[0], right_factor(place_of_data, kChunk, kRead), false);
#pragma unroll
    for (int k = 1; k < KP / 16; ++k)
      begin_product<kChunk>(sums, kept[k], right_factor(place_of_data, kChunk, kRead + 32 * kChunk * k));
    auto triangle = [&](auto columns) {
      constexpr int k = decltype(columns)::value, kRows = Layout::pass_rows(k);
      begin_product<kRows>(sums, given[kReverse ? 3 - k : k],
                           right_factor(place_of_data, kRows, kPass + Layout::pass(k)));
    };
    triangle(std::integral_constant<int, 0>());
    triangle(std::integral_constant<int, 1>());
    triangle(std::integral_constant<int, 2>());
    triangle(std::integral_constant<int, 3>());
  }

  /// The second group's walk: results.
  __device__ void answer() const {
    int lane = threadIdx.x % 32;
    Turn turn;
    // Results of the step before the present one, to be written while this one's products run.
    uint32_t solved[8][2], written[8][2];
    auto write = [&](int step) {
      if constexpr (writes_solved(kPurpose)) write_rows<kChunk>(route.solved, chunk(step), solved);
      if constexpr (writes_values(kPurpose) && Room::kDefers) hand_out(step, written);
    };
    for (int step = 0; step < chunks; ++step) {
      meet(kThere, 2 * kGroup);
      // Both groups have done with the step before this one.
      if (step > 0 && threadIdx.x == kGroup) records.release((turn.slot == 0 ? records.count : turn.slot) - 1);
      uint32_t kept[KP / 16][4], given[4][4];
      auto take = [&](uint32_t (&factor)[4], int index) {
        uint4 numbers = *place(index);
        factor[0] = numbers.x;
        factor[1] = numbers.y;
        factor[2] = numbers.z;
        factor[3] = numbers.w;
      };
#pragma unroll
      for (int k = 0; k < KP / 16; ++k) take(kept[k], k);
      if (step + 1 < chunks) pass(kFree, 2 * kGroup);
      if constexpr (writes_solved(kPurpose)) {
        uint32_t pairs[kTiles][2];
#pragma unroll
        for (int n = 0; n < kTiles; ++n) {
          pairs[n][0] = kept[n / 2][2 * (n % 2)];
          pairs[n][1] = kept[n / 2][2 * (n % 2) + 1];
        }
        write_rows<KP>(route.memories, chunk(step), pairs);
      }

      const unsigned char *data = records.await(turn.slot, turn.use);
      take_values(given, turn.slot);
      uint32_t place_of_data = factor_place(shared_address(data));
      // Factors of the outputs or of Y, and of the corrections.
      constexpr int kRead = kReverse ? kOwn + Layout::kWrite : Layout::kRead, kPass = kOwn + Layout::kPass;
      constexpr int kReadCorrections = kOwn + Layout::kReadCorrections;
      constexpr int kPassCorrections = kOwn + Layout::kPassCorrections;
      float results[8][4], corrections[8][4];
      pin(kept);
      pin(given);
      begin_products();
      if constexpr (borrows(kPurpose))
        begin_answer<kReadCorrections, kPassCorrections>(corrections, kept, given, place_of_data);
      if constexpr (writes_values(kPurpose)) begin_answer<kRead, kPass>(results, kept, given, place_of_data);
      commit_products();
      float2 strengths[8];
      if constexpr (kReverse) {
#pragma unroll
        for (int n = 0; n < 8; ++n)
          strengths[n] = reinterpret_cast<const float2 *>(data + Layout::kStrength)[4 * n + lane % 4];
      }
      if (step > 0) write(step - 1);
      wait_products<0>();
      if constexpr (borrows(kPurpose)) pin(corrections);
      if constexpr (writes_values(kPurpose)) pin(results);
      turn.advance(records.count);

#pragma unroll
      for (int n = 0; n < 8; ++n) {
        int from = kReverse ? n : Layout::reordered(8 * n) / 8;
        if constexpr (writes_values(kPurpose)) {
          float (&sums)[4] = results[from];
          written[n][0] = packed(sums[0], sums[1]);
          written[n][1] = packed(sums[2], sums[3]);
          if constexpr (kReverse) {
            solved[n][0] = written[n][0];
            solved[n][1] = written[n][1];
            written[n][0] = packed(sums[0] * strengths[n].x, sums[1] * strengths[n].y);
            written[n][1] = packed(sums[2] * strengths[n].x, sums[3] * strengths[n].y);
          }
        }
        if constexpr (borrows(kPurpose)) {
          solved[n][0] = packed(corrections[from][0], corrections[from][1]);
          solved[n][1] = packed(corrections[from][2], corrections[from][3]);
        }
      }
      if constexpr (writes_values(kPurpose) && !Room::kDefers) hand_out(step, written);
    }
    write(chunks - 1);
  }
};

#endif

}  // namespace jet::cuda
