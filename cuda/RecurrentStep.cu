// RecurrentStep.cu: one token of a linear recurrence a row, with the memory in registers between its one read and its
// one write.
//
// A block of threads has up to 64 value columns of one head of one row. Sixteen threads have a row of these, four
// columns each, and each thread has every eighth row; of wider keys, every 16th or 32nd. All reads of the memory are
// under way before the first is used: what the token reads is taken from S as it was before the token, as
//     o = Sᵀ(α q) + (q·b) r + (q·k) u     with r = Sᵀa, or α Sᵀk for the delta rule.
// A thread makes the coefficients of one row of S. Keys and queries of the delta rule are multiplied as they are, and
// the factors that make them unit rows are applied to the sums.

#include "RecurrentStep.h"
#include "StepRows.cuh"

namespace jet::cuda {
namespace {

constexpr int kColumns = kStepColumns;
constexpr int kQuads = kStepQuads;

constexpr bool recalls(RecurrentRule rule) { return rule == kDelta || rule == kGeneralized; }

/// How the columns of a head are shared: block i has those from i · columns on.
struct Split {
  int columns;
  bool prefetches;  // whether so few blocks start that they should ask for their memory before they may read it
};

__device__ float at(const HeadView &x, int row, int head, int i) {
  int64_t place = row * x.row + head * x.head + i;
  return x.half ? wide(static_cast<const __nv_bfloat16 *>(x.data)[place]) : static_cast<const float *>(x.data)[place];
}

/// How far the step of a head goes: Δ.
__device__ float step_size(const RecurrentStepCall &call, int row, int head) {
  return softplus(at(call.decay, row, head, 0) + at(call.step_bias, 0, head, 0));
}

/// α of channel k of a head's key.
template <RecurrentRule kRule>
__device__ float decay_of(const RecurrentStepCall &call, int row, int head, int k) {
  if constexpr (kRule == kStateSpace || kRule == kDelta) {
    if (kRule == kDelta && !call.decay.data) return 1.0f;
    return expf(-expf(at(call.log_rate, 0, head, 0)) * step_size(call, row, head));
  } else {
    return expf(at(call.decay, row, head, call.channel_decay ? k : 0));
  }
}

/// What v is multiplied by before it is written.
template <RecurrentRule kRule>
__device__ float strength_of(const RecurrentStepCall &call, int row, int head) {
  if constexpr (kRule == kStateSpace) return step_size(call, row, head);
  if constexpr (kRule == kDelta) return sigmoid(at(call.write, row, head, 0));
  return 1.0f;
}

/// Products over the channels of the key: q·k; of the delta rule k·k and q·q; of the generalized one q·b.
struct Products {
  float both;
  float keys;
  float queries;
  float rewrites;
};

constexpr int blocks_together(int threads, int rows) {
  return threads == 128 ? (rows <= 8 ? 7 : rows <= 12 ? 5 : 4) : threads == 256 ? 2 : 1;
}

/// Keys of up to kThreads / 16 · kRows. With kAligned, rows of the memory begin at multiples of 16 bytes.
template <RecurrentRule kRule, int kThreads, int kRows, bool kAligned>
__global__ void __launch_bounds__(kThreads, blocks_together(kThreads, kRows))
    step(RecurrentStepCall call, Split split) {
  constexpr int kGroups = kThreads / kQuads, kWarps = kThreads / 32, kKeys = kGroups * kRows;
  constexpr int kKeyWarps = (kKeys + 31) / 32;
  constexpr bool kRecalls = recalls(kRule), kRewrites = kRule == kGeneralized;
  static_assert(kKeys <= kThreads && kColumns <= kThreads && kQuads == 16);
  __shared__ float2 reads[kKeys];                    // of a row of S: its shares in o and in r
  __shared__ float2 writes[kKeys];                   // its decay, and the share of u that is added to it
  __shared__ float rewrites[kRewrites ? kKeys : 1];  // the share of r
  __shared__ Products products[kKeyWarps];
  __shared__ __align__(16) float parts_read[kWarps][kRecalls ? 2 : 1][kColumns];
  __shared__ __align__(16) float changes[kRewrites ? 2 : 1][kColumns];

  int head = blockIdx.y, row = blockIdx.z;
  int warp = threadIdx.x / 32, quad = threadIdx.x % kQuads, group = threadIdx.x / kQuads;
  int key_width = call.key_width, width = call.value_width;
  int first = blockIdx.x * split.columns, columns = min(split.columns, width - first);
  int column = threadIdx.x;
  bool has_column = column < columns;
  int64_t state = int64_t(key_width) * width;

  if (split.prefetches) {
    // Into the L2 cache only: neither the slot nor the memory need be final.
    int slot = __ldcg(call.slots + row);
    if (slot >= 0 && slot < call.slot_count)
      prefetch_rows(call.memory + (int64_t(slot) * call.heads + head) * state + first, key_width, width, columns,
                    kThreads);
  }
  await_earlier_grids();

  int slot = __ldcg(call.slots + row);
  int64_t place = (int64_t(row) * call.heads + head) * width + first + column;  // in out
  auto give = [&](float x) {
    if (call.half) static_cast<__nv_bfloat16 *>(call.out)[place] = narrow<__nv_bfloat16>(x);
    else static_cast<float *>(call.out)[place] = x;
  };
  if (slot < 0 || slot >= call.slot_count) {
    if (has_column) give(NAN);
    return;
  }

  float *memory = call.memory + (int64_t(slot) * call.heads + head) * state + int64_t(group) * width + first + 4 * quad;
  int64_t stride = int64_t(kGroups) * width;
  int count = columns - 4 * quad;  // of this thread's columns, those that there are
  Quad<float> s[kRows];
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    bool has_row = group + kGroups * i < key_width;
    if constexpr (kAligned) {
      if (has_row && count > 0) s[i].load(memory + i * stride);
      else s[i].clear();
    } else {
      s[i].load(memory + i * stride, has_row ? count : 0);
    }
  }

  float value = 0, strength = 1;
  if (has_column) {
    value = at(call.value, row, head, first + column);
    strength = strength_of<kRule>(call, row, head);
  }
  if (warp < kKeyWarps) {
    int k = threadIdx.x;
    float q = 0, key = 0, decay = 0, recall = 0, rewrite = 0;
    if (k < key_width) {
      int key_head = head / (call.heads / call.key_heads);
      q = at(call.query, row, key_head, k);
      key = at(call.key, row, key_head, k);
      if constexpr (kRewrites) {
        recall = at(call.recall, row, head, k);
        rewrite = at(call.rewrite, row, head, k);
      }
      decay = decay_of<kRule>(call, row, head, k);
    }
    if (k < kKeys) {
      reads[k] = make_float2(decay * q, kRule == kDelta ? decay * key : recall);
      writes[k] = make_float2(decay, key);
      if constexpr (kRewrites) rewrites[k] = rewrite;
    }
    Products sums{};
    sums.both = warp_sum(q * key);
    if constexpr (kRule == kDelta) {
      sums.keys = warp_sum(key * key);
      sums.queries = warp_sum(q * q);
    }
    if constexpr (kRewrites) sums.rewrites = warp_sum(q * rewrite);
    if (threadIdx.x % 32 == 0) products[warp] = sums;
  }
  __syncthreads();

  float4 asked = make_float4(0, 0, 0, 0), recalled = asked;
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    float2 share = reads[group + kGroups * i];
    float4 x = s[i].numbers();
    add(asked, x, share.x);
    if constexpr (kRecalls) add(recalled, x, share.y);
  }
  add_other_half(asked);
  if constexpr (kRecalls) add_other_half(recalled);
  if (threadIdx.x % 32 < kQuads) {
    *reinterpret_cast<float4 *>(&parts_read[warp][0][4 * quad]) = asked;
    if constexpr (kRecalls) *reinterpret_cast<float4 *>(&parts_read[warp][1][4 * quad]) = recalled;
  }
  __syncthreads();

  if (column < kColumns) {
    // All is 0 in a column beyond the last.
    float read = 0, recall = 0;
#pragma unroll
    for (int i = 0; i < kWarps; ++i) {
      read += parts_read[i][0][column];
      if constexpr (kRecalls) recall += parts_read[i][1][column];
    }
    Products sums{};
#pragma unroll 4
    for (int i = 0; i < kKeyWarps; ++i) {
      sums.both += products[i].both;
      if constexpr (kRule == kDelta) {
        sums.keys += products[i].keys;
        sums.queries += products[i].queries;
      }
      if constexpr (kRewrites) sums.rewrites += products[i].rewrites;
    }
    float change = strength * value, out = 0;
    if constexpr (kRule == kDelta) {
      float key_factor = rsqrtf(sums.keys + 1e-6f);
      float query_factor = rsqrtf(sums.queries + 1e-6f);
      change = key_factor * (strength * (value - key_factor * recall));
      out = query_factor * fmaf(sums.both, change, read);
    } else {
      out = fmaf(sums.both, change, read);
      if constexpr (kRewrites) out = fmaf(sums.rewrites, recall, out);
    }
    changes[0][column] = change;
    if constexpr (kRewrites) changes[1][column] = recall;
    if (has_column) give(call.scale * out);
  }
  __syncthreads();

  // Hidden from the compiler, which would keep the addresses of the reads in registers until here.
  asm volatile("" : "+l"(memory));
  float4 change = *reinterpret_cast<const float4 *>(&changes[0][4 * quad]), recall = change;
  if constexpr (kRewrites) recall = *reinterpret_cast<const float4 *>(&changes[1][4 * quad]);
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    int k = group + kGroups * i;
    float2 share = writes[k];
    float4 x = s[i].numbers();
    x = make_float4(share.x * x.x, share.x * x.y, share.x * x.z, share.x * x.w);
    add(x, change, share.y);
    if constexpr (kRewrites) add(x, recall, rewrites[k]);
    if constexpr (kAligned) {
      if (k < key_width && count > 0) Quad<float>::store(memory + i * stride, x);
    } else {
      Quad<float>::store(memory + i * stride, x, k < key_width ? count : 0);
    }
  }
}

template <RecurrentRule kRule, int kThreads, int kRows, bool kAligned>
cudaError_t launch(const RecurrentStepCall &call) {
  DeviceLimits limits;
  if (cudaError_t error = DeviceLimits::find(limits); error != cudaSuccess) return error;
  int parts = (call.value_width + kColumns - 1) / kColumns;
  // Whole sectors of 32 bytes.
  Split split{(call.value_width + parts * 8 - 1) / (parts * 8) * 8, false};
  int64_t blocks = int64_t(call.rows) * call.heads * parts;
  split.prefetches = limits.is_hopper && blocks <= 4 * limits.multiprocessors;
  return launch_dependent(limits, step<kRule, kThreads, kRows, kAligned>, dim3(parts, call.heads, call.rows), kThreads,
                          0, 1, call.stream, call, split);
}

template <RecurrentRule kRule>
cudaError_t launch(const RecurrentStepCall &call) {
  int key_width = call.key_width;
  if (call.value_width % 4 == 0 && is_aligned(call.memory, 16)) {
    if (key_width <= 32) return launch<kRule, 128, 4, true>(call);
    if (key_width <= 64) return launch<kRule, 128, 8, true>(call);
    if (key_width <= 96) return launch<kRule, 128, 12, true>(call);
    if (key_width <= 128) return launch<kRule, 128, 16, true>(call);
    if (key_width <= 256) return launch<kRule, 256, 16, true>(call);
    return launch<kRule, 512, 16, true>(call);
  }
  if (key_width <= 256) return launch<kRule, 256, 16, false>(call);
  return launch<kRule, 512, 16, false>(call);
}

}  // namespace

cudaError_t recurrent_step(const RecurrentStepCall &call) {
  switch (call.rule) {
    case kRetention: return launch<kRetention>(call);
    case kStateSpace: return launch<kStateSpace>(call);
    case kDelta: return launch<kDelta>(call);
    case kGeneralized: return launch<kGeneralized>(call);
  }
  return cudaErrorInvalidValue;
}

}  // namespace jet::cuda
