// HopperGradientTiles.cuh: what GatedDeltaRuleHopperGradients.cu keeps in shared memory, and how it gets there: all
// matrices in core matrices (see Warpgroup.cuh).
#pragma once

#include "GradientTiles.cuh"
#include "Warpgroup.cuh"

namespace jet::cuda {

/// Sums over parts of a row or column, each part in a place of its own so that they are added in a fixed order. The
/// first of several indices is 0 for what queries say, 1 for what keys say.
struct GradientSums {
  float of_row[2][2][kChunk];     // Σ_j of dP P, and of dA A / β; of each half of the tokens j
  float of_column[2][4][kChunk];  // Σ_i of dP P, and of dA A; of 16 tokens i each
  float rise[2][2][kChunk];       // q · exp(g) b dO Sᵀ, and k · −exp(g) a Y Sᵀ; of each half of the keys' columns
  float fall[2][kChunk];          // k · exp(G − g) a U dS⁺ᵀ
  float diagonal[kChunk];         // Y · U
  float of_memory[16];            // S · dS⁺, of each warp

  /// q · dq.
  __device__ float along_query(int i) const {
    return (rise[0][0][i] + rise[0][1][i]) + (of_row[0][0][i] + of_row[0][1][i]);
  }
  /// k · dk = β times this, + of_fall + of_columns.
  __device__ float with_strength(int i) const {
    return (rise[1][0][i] + rise[1][1][i]) + (of_row[1][0][i] + of_row[1][1][i]);
  }
  __device__ float of_fall(int i) const { return fall[0][i] + fall[1][i]; }
  __device__ float of_columns(int i) const {
    float sum = 0.0f;
#pragma unroll
    for (int part = 0; part < 8; ++part) sum += of_column[part / 4][part % 4][i];
    return sum;
  }
};

/// Where things lie in shared memory, in bytes.
template <int KP>
struct GradientRooms {
  static constexpr int kThreads = 512;
  static constexpr int kSlice = 32;  // value columns at a time
  // From a core matrix to the next one along the columns, of 64 tokens × columns.
  static constexpr int kAcross = kChunk * 16;
  // Of a stage, which holds a slice. All but the first are in blocks of 8 × 8, value columns × tokens or keys.
  static constexpr int kIncoming = 0;  // tokens × value columns
  static constexpr int kSolved = kIncoming + kSlice * kChunk * 2;
  static constexpr int kCorrections = kSolved + kSlice * kChunk * 2;
  static constexpr int kMemories = kCorrections + kSlice * kChunk * 2;
  static constexpr int kOfMemories = kMemories + kSlice * KP * 2;
  static constexpr int kStage = kOfMemories + kSlice * KP * 2;
  // Of the rows of a chunk, which have two rooms in turns: tokens × the keys' columns, and factors.
  static constexpr int kKeys = 0;
  static constexpr int kQueries = kKeys + kChunk * KP * 2;
  static constexpr int kFactors = kQueries + kChunk * KP * 2;
  static constexpr int kRows = (kFactors + static_cast<int>(sizeof(Factors)) + 127) / 128 * 128;
  // Of all.
  static constexpr int kOfScores = 2 * kRows;  // N, tokens i × tokens j, and L
  static constexpr int kOfMixing = kOfScores + kChunk * kChunk * 2;
  static constexpr int kSums = kOfMixing + kChunk * kChunk * 2;
  static constexpr int kPlaces = kSums + static_cast<int>(sizeof(GradientSums));  // where rows and slices arrive
  static constexpr int kMostStages = 8;
  static constexpr int kStages = (kPlaces + (2 + kMostStages) * 8 + 127) / 128 * 128;
  static constexpr int kFit = (kSharedOnHopper - kStages) / kStage;
  static constexpr int kCount = kFit < kMostStages ? kFit : kMostStages;  // of stages
  static constexpr int kBytes = kStages + kCount * kStage;
  static_assert(kCount >= 2 && sizeof(Factors) % 16 == 0 && kPlaces % 8 == 0);
};

#ifdef JET_HAS_WARPGROUPS

/// The tokens of a chunk of a head.
struct ChunkTokens {
  int b, h, first, count;

  __device__ ChunkTokens(const GatedDeltaRuleCall &call, int chunk) {
    int chunks = call.chunks(), sequence = chunk / chunks;
    b = sequence / call.heads;
    h = sequence % call.heads;
    first = (chunk - sequence * chunks) * kChunk;
    count = min(kChunk, call.tokens - first);
  }
};

/// Copies to shared memory. A block has every gridDim.x-th chunk.
template <int KP>
struct GradientCopies {
  using Rooms = GradientRooms<KP>;

  const GatedDeltaRuleCall &call;
  const Replay &replay;
  const GatedDeltaRuleGradients &gradients;
  unsigned char *shared;
  int total;              // chunks of all heads
  int padded_width;       // of values
  bool aligned_rows;      // keys and queries can be copied 16 bytes at a time
  bool aligned_incoming;  // so can the gradients of the outputs

  __device__ uint64_t *rows_there() const { return reinterpret_cast<uint64_t *>(shared + Rooms::kPlaces); }
  __device__ uint64_t *slices_there() const { return rows_there() + 2; }

  /// By all threads, which then have to meet, before anything else.
  __device__ void start() const {
    if (threadIdx.x != 0) return;
    for (int i = 0; i < 2; ++i) start_place(rows_there() + i, Rooms::kThreads + 1);
    for (int i = 0; i < Rooms::kCount; ++i) start_place(slices_there() + i, Rooms::kThreads / 2 + 1);
    publish_places();
  }

  /// Begins to bring eight numbers of a token's row from each 32 columns, `kGroups` times; of the columns `exist`
  /// exist. This thread arrives with them.
  template <int kGroups>
  __device__ static void bring_row(unsigned char *to, const Half *from, int exist, bool aligned, uint64_t *there) {
    if (aligned) {
#pragma unroll
      for (int i = 0; i < kGroups; ++i)
        copy(to + 4 * Rooms::kAcross * i, exist > 32 * i ? from + 32 * i : from, exist > 32 * i);
      asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(shared_address(there)) : "memory");
    } else {
#pragma unroll 1
      for (int i = 0; i < 8 * kGroups; ++i) {
        int column = i / 8 * 32 + i % 8;
        reinterpret_cast<Half *>(to + 4 * Rooms::kAcross * (i / 8))[i % 8] =
            column < exist ? from[column] : rounded<Half>(0.0f);
      }
      show_writes();
      arrive(there);
    }
  }

  /// Of what this thread copies of each chunk: a token, and the first of its columns.
  __device__ static int token() { return threadIdx.x % (Rooms::kThreads / 2) / 32 * 8 + threadIdx.x % 8; }
  __device__ static int column() { return threadIdx.x % 32 / 8 * 8; }
  /// Where these lie in shared memory.
  __device__ static int place() { return column() / 8 * Rooms::kAcross + token() * 16; }

  /// Begins to bring queries and factors, or keys, of a chunk, if there is one. By either half of the block.
  template <bool kOfKeys>
  __device__ void bring_rows(int chunk, int room) const {
    if (chunk >= total) return;
    ChunkTokens tokens(call, chunk);
    unsigned char *to = shared + room * Rooms::kRows;
    uint64_t *there = rows_there() + room;
    const TokenView &view = kOfKeys ? call.key : call.query;
    const Half *row = head_of<Half>(view, tokens.b, tokens.h);
    bool exists = token() < tokens.count;
    if (exists) row += (tokens.first + token()) * view.token;
    int exist = exists ? call.key_width - column() : 0;
    bring_row<KP / 32>(to + (kOfKeys ? Rooms::kKeys : Rooms::kQueries) + place(), exist > 0 ? row + column() : row,
                       exist, aligned_rows, there);
    if (!kOfKeys && threadIdx.x == 0) {
      expect_bytes(there, sizeof(Factors));
      bring_bytes(to + Rooms::kFactors, static_cast<const Factors *>(replay.factors) + chunk, sizeof(Factors), there);
    }
  }

  /// The next slice to be brought, as a thread of the first half of the block sees it.
  struct Ahead {
    int chunk, slice;
    const Half *row;  // of dO, the thread's token
    bool exists;      // the token
  };
  __device__ Ahead ahead(int chunk) const {
    Ahead ahead{chunk, 0, static_cast<const Half *>(gradients.out.data), false};
    if (chunk >= total) return ahead;
    ChunkTokens tokens(call, chunk);
    ahead.exists = token() < tokens.count;
    if (ahead.exists)
      ahead.row = head_of<Half>(gradients.out, tokens.b, tokens.h) + (tokens.first + token()) * gradients.out.token;
    return ahead;
  }

  /// Begins to bring the next slice, if there is one, to a stage that nobody reads any more. By the first half of the
  /// block.
  __device__ void bring_slice(Ahead &next, int stage) const {
    if (next.chunk >= total) return;
    unsigned char *to = shared + Rooms::kStages + stage * Rooms::kStage;
    uint64_t *there = slices_there() + stage;
    int at = next.slice + column(), exist = next.exists ? call.value_width - at : 0;
    bring_row<1>(to + Rooms::kIncoming + place(), exist > 0 ? next.row + at : next.row, exist, aligned_incoming, there);
    if (threadIdx.x == 0) {
      int columns = min(Rooms::kSlice, padded_width - next.slice), of_tokens = kChunk * 2, of_keys = KP * 2;
      int64_t row = int64_t(next.chunk) * padded_width + next.slice;
      auto bring = [&](int place, const void *from, int row_bytes) {
        bring_bytes(to + place, static_cast<const unsigned char *>(from) + row * row_bytes, columns * row_bytes, there);
      };
      expect_bytes(there, columns * 2 * (of_tokens + of_keys));
      bring(Rooms::kSolved, gradients.solved, of_tokens);
      bring(Rooms::kCorrections, replay.corrections, of_tokens);
      bring(Rooms::kMemories, replay.memories, of_keys);
      bring(Rooms::kOfMemories, gradients.memories, of_keys);
    }
    next.slice += Rooms::kSlice;
    if (next.slice >= padded_width) next = ahead(next.chunk + gridDim.x);
  }
};

#endif

}  // namespace jet::cuda
