// GatedDeltaRuleForward.cu: from the first chunk to the last, with the memory in registers.
//
// A warp has 16 value columns of one head: all that it computes depends on these alone, so warps never wait for each
// other but for the records that they share. Everything is held transposed (value columns × keys or tokens), so that
// each result is, converted, the left factor of the next product.

#include "Blocks.cuh"
#include "Launch.cuh"
#include "TokenColumns.cuh"

namespace jet::cuda {
namespace {

struct Results {
  TokenView out;
  float *memory;
  Replay replay;
};

template <typename T, int KP, bool kReplay>
__global__ void __launch_bounds__(128, blocks_together(KP, sizeof(T)))
    walk(GatedDeltaRuleCall call, Results results, int blocks_per_head, int slots, bool is_paired) {
  using Layout = Record<T, KP>;
  constexpr int kTiles = KP / 8;
  // Factors and keys are needed from a chunk's beginning to its end; a replay needs no more than the inverse beside
  // them.
  constexpr int kOuter = Layout::kQueries;
  constexpr int kInnerFrom = kReplay ? Layout::kInverse : Layout::kQueries;
  constexpr int kInner = (kReplay ? Layout::kScores : Layout::kEnd) - kInnerFrom;
  extern __shared__ __align__(128) unsigned char shared[];
  uint64_t *arrivals = reinterpret_cast<uint64_t *>(shared + slots * kOuter + kInner);
  RecordQueue outer{shared, arrivals, slots, kOuter, 0};
  RecordQueue inner{shared + slots * kOuter, arrivals + slots, 1, kInner, kInnerFrom};
  outer.start();
  inner.start();
  __syncthreads();

  int chunks = call.chunks();
  int sequence = blockIdx.x / blocks_per_head;
  int b = sequence / call.heads, h = sequence % call.heads;
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  int first_column = (blockIdx.x % blocks_per_head * (blockDim.x / 32) + warp) * 16;
  int width = call.value_width;
  const unsigned char *records =
      static_cast<const unsigned char *>(call.records) + int64_t(sequence) * chunks * Layout::kBytes;
  auto record = [&](int chunk) { return records + int64_t(chunk) * Layout::kBytes; };
  for (int chunk = 0; chunk < min(slots, chunks); ++chunk) outer.fetch(chunk, record(chunk));
  inner.fetch(0, record(0));

  int column = first_column + lane / 4;
  int64_t memory_at = int64_t(sequence) * call.key_width * width;
  float memory[kTiles][4];
#pragma unroll
  for (int n = 0; n < kTiles; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      int key = 8 * n + 2 * (lane % 4) + (i & 1), v = column + 8 * (i >> 1);
      memory[n][i] = key < call.key_width && v < width ? call.memory[memory_at + int64_t(key) * width + v] : 0.0f;
    }
  }

  TokenColumns<const T> values{
      head_of<T>(call.value, b, h), call.value.token, call.tokens, first_column, width, is_paired};
  TokenColumns<T> outputs{const_cast<T *>(head_of<T>(results.out, b, h)),
                          results.out.token,
                          call.tokens,
                          first_column,
                          width,
                          width % 2 == 0};
  int padded_width = (width + 15) / 16 * 16;
  for (int chunk = 0; chunk < chunks; ++chunk) {
    typename TokenColumns<const T>::Pairs pairs;
    values.fetch(pairs, chunk * kChunk);
    int slot = chunk % slots;
    const unsigned char *data = outer.await(slot, chunk / slots);
    const Factors &factors = *reinterpret_cast<const Factors *>(data);
    const T *keys = reinterpret_cast<const T *>(data + Layout::kKeys);

    // β X = β (V − exp(g) K S)
    float recalled[8][4];
    clear(recalled);
#pragma unroll
    for (int k = 0; k < KP / 16; ++k) {
      Left<T> left;
      take(left, memory[2 * k], memory[2 * k + 1]);
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        Right<T> right;
        load_transposed(right, keys, Layout::kKeyStride, 16 * n, 16 * k);
        multiply(recalled[2 * n], recalled[2 * n + 1], left, right);
      }
    }
    scale_columns(recalled, factors.rise_key);
    float x[8][4];
    values.take(x, pairs, chunk * kChunk);
#pragma unroll
    for (int n = 0; n < 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) x[n][i] -= recalled[n][i];
    }
    scale_columns(x, factors.strength);

    // U = T β X
    data = inner.await(0, chunk) - kInnerFrom;
    const T *inverse = reinterpret_cast<const T *>(data + Layout::kInverse);
    float corrections[8][4];
    clear(corrections);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      Left<T> left;
      take(left, x[2 * k], x[2 * k + 1]);
#pragma unroll
      for (int n = k; n < 4; ++n) {
        Right<T> right;
        load_transposed(right, inverse, Layout::kSquareStride, 16 * n, 16 * k);
        multiply(corrections[2 * n], corrections[2 * n + 1], left, right);
      }
    }

    if constexpr (kReplay) {
      int64_t at = int64_t(sequence) * chunks + chunk;
      if (first_column < padded_width) {
        store(Blocks<T>{static_cast<T *>(results.replay.memories) + at * padded_width * KP, KP / 8}, first_column,
              memory);
        store(Blocks<T>{static_cast<T *>(results.replay.corrections) + at * padded_width * kChunk, kChunk / 8},
              first_column, corrections);
      }
    } else {
      // O = exp(g) Q S + P U
      const T *queries = reinterpret_cast<const T *>(data + Layout::kQueries);
      const T *scores = reinterpret_cast<const T *>(data + Layout::kScores);
      float out[8][4];
      clear(out);
#pragma unroll
      for (int k = 0; k < KP / 16; ++k) {
        Left<T> left;
        take(left, memory[2 * k], memory[2 * k + 1]);
#pragma unroll
        for (int n = 0; n < 4; ++n) {
          Right<T> right;
          load_transposed(right, queries, Layout::kKeyStride, 16 * n, 16 * k);
          multiply(out[2 * n], out[2 * n + 1], left, right);
        }
      }
      scale_columns(out, factors.rise_query);
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        Left<T> left;
        take(left, corrections[2 * k], corrections[2 * k + 1]);
#pragma unroll
        for (int n = k; n < 4; ++n) {
          Right<T> right;
          load_transposed(right, scores, Layout::kSquareStride, 16 * n, 16 * k);
          multiply(out[2 * n], out[2 * n + 1], left, right);
        }
      }
      outputs.store(out, chunk * kChunk);
    }
    __syncthreads();
    if (chunk + 1 < chunks) {
      inner.fetch(0, record(chunk + 1));
      values.prefetch((chunk + 1) * kChunk);
    }

    // S = exp(G) S + (exp(G − g) K)ᵀ U
    float total = factors.total[0];
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) memory[n][i] *= total;
    }
    scale_columns(corrections, factors.fall);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      Left<T> left;
      take(left, corrections[2 * k], corrections[2 * k + 1]);
#pragma unroll
      for (int n = 0; n < KP / 16; ++n) {
        Right<T> right;
        load(right, keys, Layout::kKeyStride, 16 * k, 16 * n);
        multiply(memory[2 * n], memory[2 * n + 1], left, right);
      }
    }
    __syncthreads();
    if (chunk + slots < chunks) outer.fetch(slot, record(chunk + slots));
  }

  // Hidden from the compiler, which would keep the addresses of the first reads in registers until here.
  asm volatile("" : "+l"(memory_at));
  if constexpr (!kReplay) {
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        int key = 8 * n + 2 * (lane % 4) + (i & 1), v = column + 8 * (i >> 1);
        if (key < call.key_width && v < width) results.memory[memory_at + int64_t(key) * width + v] = memory[n][i];
      }
    }
  }
}

template <typename T, int KP, bool kReplay>
cudaError_t launch(const GatedDeltaRuleCall &call, const Results &results) {
  Card card;
  cudaError_t error = Card::find(card);
  if (error != cudaSuccess) return error;
  using Layout = Record<T, KP>;
  int inner_bytes = kReplay ? Layout::kScores - Layout::kInverse : Layout::kEnd - Layout::kQueries;
  Walk plan(card, int64_t(call.batch) * call.heads, call.value_width, Layout::kQueries, inner_bytes);
  error = cudaFuncSetAttribute(walk<T, KP, kReplay>, cudaFuncAttributeMaxDynamicSharedMemorySize, plan.bytes);
  if (error != cudaSuccess) return error;
  int64_t blocks = int64_t(call.batch) * call.heads * plan.blocks_per_head;
  walk<T, KP, kReplay><<<static_cast<unsigned>(blocks), 32 * plan.warps, plan.bytes, call.stream>>>(
      call, results, plan.blocks_per_head, plan.slots, is_paired(call.value, call.value_width));
  return cudaGetLastError();
}

}  // namespace

cudaError_t gated_delta_rule_outputs(const GatedDeltaRuleCall &call, const TokenView &out, float *memory) {
  return JET_FOR_KERNEL_CASE(call, launch<T, KP, false>(call, Results{out, memory, {}}));
}

cudaError_t gated_delta_rule_replay(const GatedDeltaRuleCall &call, const Replay &replay) {
  return JET_FOR_KERNEL_CASE(call, launch<T, KP, true>(call, Results{{}, nullptr, replay}));
}

}  // namespace jet::cuda
