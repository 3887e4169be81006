// JetBlockStep.cu: one token of the JetBlock a row, with the memory in registers between its one read and its one
// write.
//
// A block of threads has up to 64 value columns of one head of one row at a time. Sixteen threads have a row of these,
// four columns each, and each thread has every eighth row; of wider keys, every 16th or 32nd. All reads are under way
// before the first is used: S is read by k and by q as it was before the token, as
//     o = α Sᵀq + (q·k) u     with u = β (v − α Sᵀk).
// On Hopper the blocks of a head are a cluster that adds up the squares for the norm; elsewhere one block takes the
// columns of a head in turns.

#include "JetBlockStep.h"
#include "StepRows.cuh"

namespace jet::cuda {
namespace {

constexpr int kColumns = kStepColumns;
constexpr int kQuads = kStepQuads;
constexpr int kMostParts = kMostStepWidth / kColumns;
constexpr int kKeyWarp = 0;
constexpr int kGateWarp = 1;
/// The first of the 64 threads that have a column each.
constexpr int kFirstColumnThread = 64;

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
constexpr bool kTakesTurns = false;
#else
constexpr bool kTakesTurns = true;
#endif

/// How the columns of a head are shared: block `part` of `parts` has `columns` of them, then those `parts * columns`
/// on.
struct Split {
  int parts;
  int columns;
  bool prefetches;  // whether so few blocks start that they should ask for their memory before they may read it
};

/// What the columns of a head have in common.
struct Gates {
  float decay;
  float strength;
  float product;  // q · k
};

__device__ float at(const StepVector &x, int i) {
  return x.half ? wide(static_cast<const __nv_bfloat16 *>(x.data)[i]) : static_cast<const float *>(x.data)[i];
}

/// The blocks of a head: a cluster of `parts`, or one block.
struct Team {
  int part;
  int parts;

#if __CUDA_ARCH__ >= 900
  __device__ static unsigned address(const void *p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }
#endif

  /// Prepares `arrival` for all sums of the team, and says that this block has started.
  __device__ void enter(uint64_t *arrival) const {
#if __CUDA_ARCH__ >= 900
    if (parts == 1) return;
    if (threadIdx.x == 0) {
      asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(address(arrival)) : "memory");
      asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
      asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(address(arrival)), "r"(8 * parts)
                   : "memory");
    }
    asm volatile("barrier.cluster.arrive.relaxed;" ::: "memory");
#endif
  }

  /// Gives every block of the team the sum of one of two warps, once all blocks have started. By all threads of the
  /// block.
  __device__ void share(float *sums, uint64_t *arrival, float sum, int index, bool has_sum) const {
#if __CUDA_ARCH__ >= 900
    if (parts > 1) {
      asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
      int to = threadIdx.x % 32;
      if (has_sum && to < parts) {
        unsigned place, signal;
        asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
                     : "=r"(place)
                     : "r"(address(sums + 2 * part + index)), "r"(to));
        asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(signal) : "r"(address(arrival)), "r"(to));
        asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.b32 [%0], %1, [%2];" ::"r"(place),
                     "r"(__float_as_uint(sum)), "r"(signal)
                     : "memory");
      }
      return;
    }
#endif
    if (has_sum && threadIdx.x % 32 == 0) sums[index] = sum;
  }

  /// The total of what all blocks shared, in the same order everywhere. By all threads of the block, none of which
  /// leaves before all sums are here: so nothing is sent to a block that has ended.
  __device__ float total(const float *sums, uint64_t *arrival) const {
#if __CUDA_ARCH__ >= 900
    if (parts > 1) {
      unsigned has_arrived = 0;
      while (!has_arrived) {
        asm volatile(
            "{\n.reg .pred p;\n"
            "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], 0;\n"
            "selp.u32 %0, 1, 0, p;\n}"
            : "=r"(has_arrived)
            : "r"(address(arrival))
            : "memory");
      }
    }
#endif
    if (parts == 1) __syncthreads();
    float total = 0;
    for (int i = 0; i < 2 * parts; ++i) total += sums[i];
    return total;
  }
};

/// The unit key and the scaled unit query of a head side by side, and 0 beyond its width; by one warp.
template <typename T, int kPadded>
__device__ void make_units(const T *query, const T *key, int width, float2 *units, float *product) {
  constexpr int kEach = (kPadded + 31) / 32;
  int lane = threadIdx.x % 32;
  float2 x[kEach];
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    int k = lane + 32 * i;
    x[i] = k < width ? make_float2(wide(key[k]), wide(query[k])) : make_float2(0, 0);
  }
  float keys = 0, queries = 0, both = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    x[i] = make_float2(rounded_to<T>(silu(x[i].x)), rounded_to<T>(silu(x[i].y)));
    keys = fmaf(x[i].x, x[i].x, keys);
    queries = fmaf(x[i].y, x[i].y, queries);
    both = fmaf(x[i].x, x[i].y, both);
  }
  float key_factor = rsqrtf(warp_sum(keys) + 1e-6f);
  float query_factor = rsqrtf(warp_sum(queries) + 1e-6f) * rsqrtf(static_cast<float>(width));
  both = warp_sum(both) * key_factor * query_factor;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    int k = lane + 32 * i;
    if (k < kPadded) units[k] = make_float2(x[i].x * key_factor, x[i].y * query_factor);
  }
  if (lane == 0) *product = both;
}

/// α and β of a head.
template <typename T>
__device__ void make_gates(const JetBlockStepCall &call, const T *projected, int head, Gates &gates) {
  const T *decay = projected + call.first_decay;
  float softened = softplus(wide(decay[head]) + at(call.step_bias, head));
  gates.decay = expf(-expf(at(call.log_rate, head)) * softened);
  gates.strength = sigmoid(wide(decay[call.heads + head]));
}

constexpr int blocks_together(int threads, int rows) {
  return threads == 128 ? (rows <= 12 ? 5 : 4) : threads == 256 ? 2 : 1;
}

/// T is the type of the row, M that of the memory. Keys of up to kThreads / 16 · kRows. With kAligned, rows of the
/// memory begin at addresses that are multiples of four numbers.
template <typename T, typename M, int kThreads, int kRows, bool kAligned>
__global__ void __launch_bounds__(kThreads, blocks_together(kThreads, kRows))
    step(JetBlockStepCall call, Split split, bool is_quad) {
  constexpr int kGroups = kThreads / kQuads, kWarps = kThreads / 32;
  __shared__ float2 units[kGroups * kRows];
  __shared__ __align__(16) float parts_read[kWarps][2][kColumns];
  __shared__ __align__(16) float changes[kColumns];
  __shared__ float reads[kMostStepWidth], gains[kMostStepWidth];
  __shared__ float squares[2 * kMostParts];
  __shared__ uint64_t arrival;
  __shared__ Gates gates;

  Team team{static_cast<int>(blockIdx.x), split.parts};
  int head = blockIdx.y, row = blockIdx.z;
  int warp = threadIdx.x / 32, quad = threadIdx.x % kQuads, group = threadIdx.x / kQuads;
  int key_width = call.key_width, width = call.value_width;
  int column = threadIdx.x - kFirstColumnThread;
  bool has_column = column >= 0 && column < kColumns;
  int first = team.part * split.columns, turn = team.parts * split.columns;
  int64_t state = int64_t(key_width) * width;
  M *pool = static_cast<M *>(call.memory);

  if (split.prefetches) {
    // Only into the L2 cache, which sees all later writes: neither the slot nor the memory need be final.
    int slot = __ldcg(call.slots + row);
    if (slot >= 0 && slot < call.slot_count && first < width) {
      prefetch_rows(pool + (int64_t(slot) * call.heads + head) * state + first, key_width, width,
                    min(split.columns, width - first), kThreads);
    }
  }
  await_earlier_grids();

  int slot = __ldcg(call.slots + row);
  int64_t channels = int64_t(call.heads) * width;
  T *out = static_cast<T *>(call.out) + row * channels + int64_t(head) * width;
  if (slot < 0 || slot >= call.slot_count) {
    for (int from = first; from < width; from += turn) {
      if (has_column && column < min(split.columns, width - from)) out[from + column] = narrow<T>(NAN);
    }
    return;
  }
  team.enter(&arrival);

  M *memory = pool + (int64_t(slot) * call.heads + head) * state + int64_t(group) * width + 4 * quad;
  int64_t stride = int64_t(kGroups) * width;
  Quad<M> s[kRows];
  auto load = [&] {
    int count = min(split.columns, width - first) - 4 * quad;
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const M *from = memory + i * stride + first;
      if constexpr (kAligned) {
        if (group + kGroups * i < key_width && count > 0) s[i].load(from);
        else s[i].clear();
      } else {
        s[i].load(from, group + kGroups * i < key_width ? count : 0);
      }
    }
  };
  load();

  const T *projected = static_cast<const T *>(call.projected) + row * call.projected_row;
  int64_t keys = int64_t(call.heads) * key_width;
  if (warp == kKeyWarp) {
    const T *query = projected + int64_t(head) * key_width;
    make_units<T, kGroups * kRows>(query, query + keys, key_width, units, &gates.product);
  } else if (warp == kGateWarp && threadIdx.x % 32 == 0) {
    make_gates(call, projected, head, gates);
  }

  float square = 0;
  for (int turn_column = 0;; turn_column += kColumns) {
    float value = 0;
    if (has_column && column < min(split.columns, width - first)) {
      int64_t channel = int64_t(head) * width + first + column;
      const T *inputs = projected + 2 * keys + channel;
      float gate = wide(inputs[channels]), norm = at(call.norm, first + column);
      float sum = convolve(static_cast<T *>(call.window) + (slot * channels + channel) * call.taps,
                           static_cast<const T *>(call.kernels) + (row * channels + channel) * call.taps, call.taps,
                           is_quad, inputs[0]);
      value = rounded_to<T>(silu(sum));
      gains[turn_column + column] = norm * silu(gate);
    }
    __syncthreads();

    float4 by_key = make_float4(0, 0, 0, 0), by_query = by_key;
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      float2 unit = units[group + kGroups * i];
      float4 x = s[i].numbers();
      add(by_key, x, unit.x);
      add(by_query, x, unit.y);
    }
    add_other_half(by_key);
    add_other_half(by_query);
    if (threadIdx.x % 32 < kQuads) {
      *reinterpret_cast<float4 *>(&parts_read[warp][0][4 * quad]) = by_key;
      *reinterpret_cast<float4 *>(&parts_read[warp][1][4 * quad]) = by_query;
    }
    __syncthreads();

    float decay = gates.decay;
    bool is_last = !kTakesTurns || first + turn >= width;
    if (has_column) {
      float recalled = 0, asked = 0;
#pragma unroll
      for (int i = 0; i < kWarps; ++i) {
        recalled += parts_read[i][0][column];
        asked += parts_read[i][1][column];
      }
      // Both are 0 in a column beyond the last.
      float change = gates.strength * (value - decay * recalled);
      changes[column] = change;
      float read = rounded_to<T>(decay * asked + gates.product * change);
      reads[turn_column + column] = read;
      square = fmaf(read, read, square);
      if (is_last) square = warp_sum(square);
    }
    __syncthreads();
    if (is_last) team.share(squares, &arrival, square, column / 32, has_column);

    // Hidden from the compiler, which would keep the addresses of the reads in registers until here.
    asm volatile("" : "+l"(memory));
    float4 change = *reinterpret_cast<const float4 *>(&changes[4 * quad]);
    int count = min(split.columns, width - first) - 4 * quad;
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      int k = group + kGroups * i;
      M *to = memory + i * stride + first;
      float key = units[k].x;
      float4 x = s[i].numbers();
      x = make_float4(fmaf(key, change.x, decay * x.x), fmaf(key, change.y, decay * x.y),
                      fmaf(key, change.z, decay * x.z), fmaf(key, change.w, decay * x.w));
      if constexpr (kAligned) {
        if (k < key_width && count > 0) Quad<M>::store(to, x);
      } else {
        Quad<M>::store(to, x, k < key_width ? count : 0);
      }
    }
    if (is_last) break;
    first += turn;
    load();
  }

  float factor = rsqrtf(team.total(squares, &arrival) / static_cast<float>(width) + call.eps);
  int turn_column = 0;
  for (int from = team.part * split.columns; from < width; from += turn, turn_column += kColumns) {
    if (has_column && column < min(split.columns, width - from)) {
      float y = reads[turn_column + column] * factor * gains[turn_column + column];
      out[from + column] = narrow<T>(y);
    }
  }
}

template <typename T, typename M, int kThreads, int kRows, bool kAligned>
cudaError_t launch(const JetBlockStepCall &call) {
  DeviceLimits limits;
  if (cudaError_t error = DeviceLimits::find(limits); error != cudaSuccess) return error;
  Split split{1, kColumns, false};
  if (limits.is_hopper) {
    while (split.parts * kColumns < call.value_width) split.parts *= 2;
    // Whole sectors of 32 bytes.
    split.columns = (call.value_width + split.parts * 8 - 1) / (split.parts * 8) * 8;
  }
  int64_t blocks = int64_t(call.rows) * call.heads * split.parts;
  split.prefetches = limits.is_hopper && blocks <= 4 * limits.multiprocessors;
  bool is_quad = call.taps == 4 && is_aligned(call.window, 4 * sizeof(T)) && is_aligned(call.kernels, 4 * sizeof(T));

  return launch_dependent(limits, step<T, M, kThreads, kRows, kAligned>, dim3(split.parts, call.heads, call.rows),
                          kThreads, 0, split.parts, call.stream, call, split, is_quad);
}

template <typename T, typename M>
cudaError_t launch(const JetBlockStepCall &call) {
  int key_width = call.key_width;
  if (call.value_width % 4 == 0 && is_aligned(call.memory, 4 * sizeof(M))) {
    if (key_width <= 32) return launch<T, M, 128, 4, true>(call);
    if (key_width <= 64) return launch<T, M, 128, 8, true>(call);
    if (key_width <= 96) return launch<T, M, 128, 12, true>(call);
    if (key_width <= 128) return launch<T, M, 128, 16, true>(call);
    if (key_width <= 256) return launch<T, M, 256, 16, true>(call);
    return launch<T, M, 512, 16, true>(call);
  }
  if (key_width <= 256) return launch<T, M, 256, 16, false>(call);
  return launch<T, M, 512, 16, false>(call);
}

}  // namespace

cudaError_t jet_block_step(const JetBlockStepCall &call) {
  if (call.half)
    return call.half_memory ? launch<__nv_bfloat16, __nv_bfloat16>(call) : launch<__nv_bfloat16, float>(call);
  return call.half_memory ? launch<float, __nv_bfloat16>(call) : launch<float, float>(call);
}

}  // namespace jet::cuda
