// PagedTiles.cu: paged attention in bfloat16 on the tensor cores.
//
// Each warp reads tiles of 16 tokens of its own into a ring of shared memory, some tiles ahead and over the borders of
// sequences, and waits for nobody but itself; the four warps of a block take tiles in turn and add up their results
// where a piece ends. The first warp keeps the sums of the pieces so far. Scores are products of 16 tokens × 8 heads,
// so that few heads waste little:
//     S [tokens, heads] = K Qᵀ     Oᵀ [channels, heads] += Vᵀ P
// A lane holds the same two heads of S and of Oᵀ, so the running maxima and sums stay where they are.

#include "PagedForms.cuh"

#include "DependentLaunch.cuh"
#include "Mma.cuh"

namespace jet::cuda {
namespace {

constexpr int kTile = 16;

/// Memory and registers of a form: heads of up to kWidth channels, kBlocks · 8 query heads of a key head.
template <int kWidth, int kBlocks>
struct Form {
  static constexpr int kSteps = kWidth / 16;
  static constexpr int kTileBytes = 2 * kTile * kWidth * 2;  // keys and values
  static constexpr int kStageBytes = kWarps * kTileBytes;
  /// What a warp hands to another, or keeps: sums, maxima and sums of exponentials of each lane.
  static constexpr int kHandedFloats = kBlocks * (4 * kSteps + 4);
  static constexpr int kHandedBytes = 3 * kHandedFloats * 32 * 4;
  /// Two blocks on a multiprocessor of 228 KB, each with 1 KB for the system, where that leaves two stages.
  static constexpr int kSharedOfTwo = 112 * 1024;
  static constexpr bool kTwo = (kSharedOfTwo - kHandedBytes) / kStageBytes >= 2;
  static constexpr int kFitting = ((kTwo ? kSharedOfTwo : 226 * 1024) - kHandedBytes) / kStageBytes;
  static constexpr int kStages = kFitting < 6 ? kFitting : 6;
  static constexpr int kSharedBytes = kStages * kStageBytes + kHandedBytes;
  static_assert(kStages >= 2);
};

/// Where chunk c (16 bytes) of row r lies in a tile: eight rows' chunks of one column meet eight different banks.
template <int kWidth>
__device__ inline int place(int r, int c) {
  int turn = kWidth % 64 == 0 ? r & 7 : (r >> 1) & 3;
  return r * kWidth * 2 + ((c ^ turn) << 4);
}

/// 16 bytes into shared memory, zeros where `bytes` is 0.
__device__ inline void copy_chunk(uint32_t to, const char *from, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
}
__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int kPending>
__device__ inline void await_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

/// Brings a warp's tiles into shared memory, one after another.
template <int kWidth>
struct TileLoader {
  PagedWalk walk;
  int token;  // the first of the next tile
  bool more;
  int row;  // of the pool, for token + lane % 16; −1 where there is none

  __device__ void begin(const PagedAttentionCall &call, const PagedWalk &from) {
    walk = from;
    token = walk.first + kTile * static_cast<int>(threadIdx.x >> 5);
    more = true;
    seek(call);
  }

  __device__ void seek(const PagedAttentionCall &call) {
    while (token >= walk.end) {
      if (!walk.advance(call)) {
        more = false;
        return;
      }
      token = walk.first + kTile * static_cast<int>(threadIdx.x >> 5);
    }
    int i = token + static_cast<int>(threadIdx.x & 15);
    row = i < walk.end ? row_of(call, walk.n, walk.g, i) : -1;
  }

  /// Starts the copies of the next tile; at the end, of none.
  __device__ void load(const PagedAttentionCall &call, uint32_t tile) {
    if (more) {
      int lane = threadIdx.x & 31, chunks = call.head_width / 8;
#pragma unroll
      for (int block = 0; block < kTile / 4; ++block) {
        int r = 4 * block + (lane >> 3);
        int source = __shfl_sync(~0u, row, r);
        int64_t offset = int64_t(max(source, 0)) * call.head_width * 2;
        const char *keys = static_cast<const char *>(call.keys) + offset;
        const char *values = static_cast<const char *>(call.values) + offset;
        int bytes = source < 0 ? 0 : 16;
#pragma unroll
        for (int column = 0; column < kWidth / 8; column += 8) {
          int c = column + (lane & 7);
          if (c >= chunks) continue;
          uint32_t to = tile + place<kWidth>(r, c);
          copy_chunk(to, keys + 16 * c, bytes);
          copy_chunk(to + kTile * kWidth * 2, values + 16 * c, bytes);
        }
      }
      token += kTile * kWarps;
      seek(call);
    }
    commit_copies();
  }
};

/// A warp's running softmax: lane 4 g + t has heads 2t and 2t + 1 of each block of eight, of the sums channels g and g
/// + 8 of each sixteen.
template <int kWidth, int kBlocks>
struct Sums {
  static constexpr int kSteps = kWidth / 16;
  float most[kBlocks][2], total[kBlocks][2];
  float sums[kSteps][kBlocks][4];

  __device__ void clear() {
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        most[b][h] = -INFINITY;
        total[b][h] = 0;
      }
#pragma unroll
      for (int step = 0; step < kSteps; ++step)
#pragma unroll
        for (int i = 0; i < 4; ++i) sums[step][b][i] = 0;
    }
  }

  __device__ void scale(int b, float first, float second) {
    total[b][0] *= first;
    total[b][1] *= second;
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      sums[step][b][0] *= first;
      sums[step][b][1] *= second;
      sums[step][b][2] *= first;
      sums[step][b][3] *= second;
    }
  }

  __device__ void hand_over(float *to) const {
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        to[(4 * b + h) * 32 + lane] = most[b][h];
        to[(4 * b + 2 + h) * 32 + lane] = total[b][h];
      }
#pragma unroll
      for (int step = 0; step < kSteps; ++step)
#pragma unroll
        for (int i = 0; i < 4; ++i) to[(4 * kBlocks + (b * kSteps + step) * 4 + i) * 32 + lane] = sums[step][b][i];
    }
  }

  __device__ void take_over(const float *from) {
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
      float theirs[2], own[2];
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        float other = from[(4 * b + h) * 32 + lane];
        float both = fmaxf(most[b][h], other);
        theirs[h] = decayed(other, both);
        own[h] = decayed(most[b][h], both);
        most[b][h] = both;
        total[b][h] = joined(total[b][h], own[h], from[(4 * b + 2 + h) * 32 + lane], theirs[h]);
      }
#pragma unroll
      for (int step = 0; step < kSteps; ++step)
#pragma unroll
        for (int i = 0; i < 4; ++i)
          sums[step][b][i] = joined(sums[step][b][i], own[i & 1],
                                    from[(4 * kBlocks + (b * kSteps + step) * 4 + i) * 32 + lane], theirs[i & 1]);
    }
  }

  /// Gives all lanes of a head its sum of exponentials, of which each has that of its own tokens.
  __device__ void add_totals() {
#pragma unroll
    for (int b = 0; b < kBlocks; ++b)
#pragma unroll
      for (int h = 0; h < 2; ++h)
#pragma unroll
        for (int apart = 4; apart < 32; apart *= 2) total[b][h] += __shfl_xor_sync(~0u, total[b][h], apart);
  }
};

template <int kWidth, int kBlocks>
struct Queries {
  static constexpr int kSteps = kWidth / 16;
  uint32_t factors[kSteps][kBlocks][2];

  __device__ void load(const PagedAttentionCall &call, const PagedWalk &walk) {
    int lane = threadIdx.x & 31, t = lane & 3;
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) {
      int head = 8 * b + (lane >> 2);
      const Half *row = static_cast<const Half *>(call.query) +
                        ((int64_t(walk.n) * call.key_heads + walk.g) * call.group + head) * call.head_width;
#pragma unroll
      for (int step = 0; step < kSteps; ++step)
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          int channel = 16 * step + 8 * i + 2 * t;
          factors[step][b][i] =
              head < call.group && channel < call.head_width ? *reinterpret_cast<const uint32_t *>(row + channel) : 0;
        }
    }
  }
};

/// Attends to the `valid` first tokens of a tile; the rows behind them hold zeros.
template <int kWidth, int kBlocks>
__device__ inline void attend(const char *tile, int valid, float scale, const Queries<kWidth, kBlocks> &queries,
                              Sums<kWidth, kBlocks> &sums) {
  constexpr int kSteps = kWidth / 16;
  int lane = threadIdx.x & 31;
  float scores[2][kBlocks][4] = {};
#pragma unroll
  for (int step = 0; step < kSteps; ++step) {
    uint32_t keys[4];
    int r = (lane & 7) + 8 * ((lane >> 3) & 1);
    load_matrices<false>(keys, reinterpret_cast<const Half *>(tile + place<kWidth>(r, 2 * step + (lane >> 4))));
    // Two sums, so that a product need not wait for the one before it.
#pragma unroll
    for (int b = 0; b < kBlocks; ++b)
      multiply_half(scores[step & 1][b], keys, queries.factors[step][b][0], queries.factors[step][b][1]);
  }
  uint32_t weights[kBlocks][2];
  int g = lane >> 2;
#pragma unroll
  for (int b = 0; b < kBlocks; ++b) {
    float s[4], next[2];
#pragma unroll
    for (int i = 0; i < 4; ++i)
      s[i] = g + 8 * (i >> 1) < valid ? (scores[0][b][i] + scores[1][b][i]) * scale : -INFINITY;
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      next[h] = fmaxf(s[h], s[2 + h]);
#pragma unroll
      for (int apart = 4; apart < 32; apart *= 2) next[h] = fmaxf(next[h], __shfl_xor_sync(~0u, next[h], apart));
      next[h] = fmaxf(next[h], sums.most[b][h]);
    }
    if (__any_sync(~0u, next[0] > sums.most[b][0] || next[1] > sums.most[b][1])) {
      sums.scale(b, decayed(sums.most[b][0], next[0]), decayed(sums.most[b][1], next[1]));
      sums.most[b][0] = next[0];
      sums.most[b][1] = next[1];
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      // The sum is that of the rounded weights, which the values meet.
      __nv_bfloat162 pair = __floats2bfloat162_rn(exp2f(s[2 * i] - next[0]), exp2f(s[2 * i + 1] - next[1]));
      sums.total[b][0] += __low2float(pair);
      sums.total[b][1] += __high2float(pair);
      weights[b][i] = transposed(*reinterpret_cast<uint32_t *>(&pair));
    }
  }
  const char *values_tile = tile + kTile * kWidth * 2;
#pragma unroll
  for (int step = 0; step < kSteps; ++step) {
    uint32_t values[4];
    int r = (lane & 7) + 8 * (lane >> 4);
    load_matrices<true>(values,
                        reinterpret_cast<const Half *>(values_tile + place<kWidth>(r, 2 * step + ((lane >> 3) & 1))));
#pragma unroll
    for (int b = 0; b < kBlocks; ++b) multiply_half(sums.sums[step][b], values, weights[b][0], weights[b][1]);
  }
}

/// Writes what a warp holds: to the output, or to the partial results.
template <int kWidth, int kBlocks>
__device__ inline void write(const PagedAttentionCall &call, const PagedWalk &walk, bool is_whole,
                             const Sums<kWidth, kBlocks> &sums) {
  int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
#pragma unroll
  for (int b = 0; b < kBlocks; ++b) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      float total = sums.total[b][h];
      int head = 8 * b + 2 * t + h;
      if (head >= call.group) continue;
      int64_t row = (is_whole ? walk.head(call) : walk.slot(call)) * call.group + head;
      float factor = is_whole ? inverse_of(total) : 1.0f;
      if (!is_whole && g == 0) call.measures[row] = make_float2(sums.most[b][h], total);
#pragma unroll
      for (int step = 0; step < kWidth / 16; ++step)
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          int channel = 16 * step + 8 * i + g;
          if (channel >= call.head_width) continue;
          float x = sums.sums[step][b][2 * i + h];
          if (is_whole)
            static_cast<Half *>(call.out)[row * call.head_width + channel] = rounded<Half>(__fmul_rn(x, factor));
          else call.partials[row * call.head_width + channel] = x;
        }
    }
  }
}

template <int kWidth, int kBlocks>
__global__ void __launch_bounds__(kThreads, Form<kWidth, kBlocks>::kTwo ? 2 : 1)
    paged_tiles_kernel(PagedAttentionCall call) {
  using F = Form<kWidth, kBlocks>;
  extern __shared__ __align__(128) char shared[];
  let_later_start();
  wait_for_earlier();
  PagedWalk walk;
  if (!find_start(call, walk)) {
    if (threadIdx.x == 0) call.spans[blockIdx.x].x = -1;
    return;
  }
  int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  char *ring = shared + warp * F::kStages * F::kTileBytes;
  float *handed = reinterpret_cast<float *>(shared + F::kStages * F::kStageBytes);
  if (call.head_width < kWidth) {
    // Channels that no copy reaches meet zeros of the queries, but must be numbers.
    int first = call.head_width / 8, missing = kWidth / 8 - first;
    for (int i = lane; i < F::kStages * 2 * kTile * missing; i += 32) {
      int r = i / missing % kTile, tile = i / missing / kTile;
      *reinterpret_cast<uint4 *>(ring + tile * kTile * kWidth * 2 + place<kWidth>(r, first + i % missing)) =
          make_uint4(0, 0, 0, 0);
    }
  }
  uint32_t ring_address = static_cast<uint32_t>(__cvta_generic_to_shared(ring));
  TileLoader<kWidth> loader;
  loader.begin(call, walk);
#pragma unroll
  for (int stage = 0; stage < F::kStages - 1; ++stage) loader.load(call, ring_address + stage * F::kTileBytes);

  const float scale = call.scale * 1.44269504088896f;
  Queries<kWidth, kBlocks> queries;
  Sums<kWidth, kBlocks> sums;
  PagedJoin join(walk);
  int stage = 0;
  while (true) {
    if (join.opens) queries.load(call, walk);
    sums.clear();
    for (int token = walk.first + kTile * warp; token < walk.end; token += kTile * kWarps) {
      await_copies<F::kStages - 2>();
      // All lanes see the tile, and have done with the one before it, whose place the next copies take.
      __syncwarp();
      int free = stage == 0 ? F::kStages - 1 : stage - 1;
      loader.load(call, ring_address + free * F::kTileBytes);
      attend<kWidth, kBlocks>(ring + stage * F::kTileBytes, walk.end - token, scale, queries, sums);
      if (++stage == F::kStages) stage = 0;
    }
    // Of four warps two, of these one. First all wait until that one has read what the piece before left here.
    __syncthreads();
    float *own = handed + (warp & 1) * F::kHandedFloats * 32, *kept = handed + 2 * F::kHandedFloats * 32;
    if (warp >= 2) sums.hand_over(own);
    __syncthreads();
    if (warp < 2) sums.take_over(own);
    if (warp == 1) sums.hand_over(own);
    __syncthreads();
    join.look_ahead(call, walk);
    if (warp == 0) {
      sums.take_over(handed + F::kHandedFloats * 32);
      sums.add_totals();
      if (join.has_earlier) sums.take_over(kept);
      if (join.goes_on) sums.hand_over(kept);
      else write<kWidth, kBlocks>(call, walk, join.is_whole, sums);
    }
    if (!join.proceed(call, walk)) break;
  }
}

template <int kWidth>
PagedForm form_of(int group) {
  static_assert(kWarps == 4);
  if (group <= 8) {
    using F = Form<kWidth, 1>;
    return {paged_tiles_kernel<kWidth, 1>, F::kSharedBytes, F::kTwo ? 2 : 1};
  }
  using F = Form<kWidth, 2>;
  return {paged_tiles_kernel<kWidth, 2>, F::kSharedBytes, F::kTwo ? 2 : 1};
}

}  // namespace

PagedForm paged_tiles(const PagedAttentionCall &call) {
  int width = call.head_width;
  if (width <= 32) return form_of<32>(call.group);
  if (width <= 64) return form_of<64>(call.group);
  if (width <= 96) return form_of<96>(call.group);
  if (width <= 128) return form_of<128>(call.group);
  if (width <= 192) return form_of<192>(call.group);
  return form_of<256>(call.group);
}

}  // namespace jet::cuda
