// GatedDeltaRuleReverse.cu: from the last chunk to the first, with the memory's gradient in registers; the mirror image
// of GatedDeltaRuleForward.cu.

#include "Blocks.cuh"
#include "Launch.cuh"
#include "TokenColumns.cuh"

namespace jet::cuda {
namespace {

template <typename T, int KP>
__global__ void __launch_bounds__(128, blocks_together(KP, sizeof(T)))
    walk_back(GatedDeltaRuleCall call, GatedDeltaRuleGradients gradients, int blocks_per_head, int slots,
              bool is_paired) {
  using Layout = Record<T, KP>;
  constexpr int kTiles = KP / 8;
  // Factors, keys and queries are needed from a chunk's beginning to its end.
  constexpr int kOuter = Layout::kInverse;
  constexpr int kInnerFrom = Layout::kInverse;
  constexpr int kInner = Layout::kEnd - kInnerFrom;
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
  auto record = [&](int step) { return records + int64_t(chunks - 1 - step) * Layout::kBytes; };
  for (int step = 0; step < min(slots, chunks); ++step) outer.fetch(step, record(step));
  inner.fetch(0, record(0));

  int column = first_column + lane / 4;
  int64_t memory_at = int64_t(sequence) * call.key_width * width;
  float memory[kTiles][4];
#pragma unroll
  for (int n = 0; n < kTiles; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      int key = 8 * n + 2 * (lane % 4) + (i & 1), v = column + 8 * (i >> 1);
      bool exists = gradients.final_memory && key < call.key_width && v < width;
      memory[n][i] = exists ? gradients.final_memory[memory_at + int64_t(key) * width + v] : 0.0f;
    }
  }

  TokenColumns<const T> incoming{
      head_of<T>(gradients.out, b, h), gradients.out.token, call.tokens, first_column, width, is_paired};
  int64_t row = int64_t(call.heads) * width;
  TokenColumns<T> of_values{static_cast<T *>(gradients.value) + int64_t(b) * call.tokens * row + h * width,
                            row,
                            call.tokens,
                            first_column,
                            width,
                            width % 2 == 0};
  int padded_width = (width + 15) / 16 * 16;
  for (int step = 0; step < chunks; ++step) {
    int chunk = chunks - 1 - step, slot = step % slots;
    typename TokenColumns<const T>::Pairs pairs;
    incoming.fetch(pairs, chunk * kChunk);
    const unsigned char *data = outer.await(slot, step / slots);
    const Factors &factors = *reinterpret_cast<const Factors *>(data);
    const T *keys = reinterpret_cast<const T *>(data + Layout::kKeys);
    const T *queries = reinterpret_cast<const T *>(data + Layout::kQueries);

    // dU = exp(G − g) K dS⁺ + Pᵀ dO
    float corrections[8][4];
    clear(corrections);
#pragma unroll
    for (int k = 0; k < KP / 16; ++k) {
      Left<T> left;
      take(left, memory[2 * k], memory[2 * k + 1]);
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        Right<T> right;
        load_transposed(right, keys, Layout::kKeyStride, 16 * n, 16 * k);
        multiply(corrections[2 * n], corrections[2 * n + 1], left, right);
      }
    }
    scale_columns(corrections, factors.fall);
    float x[8][4];
    incoming.take(x, pairs, chunk * kChunk);
    data = inner.await(0, step) - kInnerFrom;
    const T *inverse = reinterpret_cast<const T *>(data + Layout::kInverse);
    const T *scores = reinterpret_cast<const T *>(data + Layout::kScores);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      Left<T> left;
      take(left, x[2 * k], x[2 * k + 1]);
#pragma unroll
      for (int n = 0; n <= k; ++n) {
        Right<T> right;
        load(right, scores, Layout::kSquareStride, 16 * k, 16 * n);
        multiply(corrections[2 * n], corrections[2 * n + 1], left, right);
      }
    }

    // Y = Tᵀ dU
    float solved[8][4];
    clear(solved);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      Left<T> left;
      take(left, corrections[2 * k], corrections[2 * k + 1]);
#pragma unroll
      for (int n = 0; n <= k; ++n) {
        Right<T> right;
        load(right, inverse, Layout::kSquareStride, 16 * k, 16 * n);
        multiply(solved[2 * n], solved[2 * n + 1], left, right);
      }
    }

    int64_t at = int64_t(sequence) * chunks + chunk;
    if (first_column < padded_width) {
      store(Blocks<T>{static_cast<T *>(gradients.memories) + at * padded_width * KP, KP / 8}, first_column, memory);
      store(Blocks<T>{static_cast<T *>(gradients.solved) + at * padded_width * kChunk, kChunk / 8}, first_column,
            solved);
    }
    scale_columns(solved, factors.strength);
    of_values.store(solved, chunk * kChunk);
    __syncthreads();
    if (step + 1 < chunks) {
      inner.fetch(0, record(step + 1));
      incoming.prefetch((chunk - 1) * kChunk);
    }

    // dS = exp(G) dS⁺ + (exp(g) Q)ᵀ dO − (exp(g) K)ᵀ β Y
    float total = factors.total[0];
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) memory[n][i] *= total;
    }
    scale_columns(x, factors.rise_query);
    scale_columns(solved, factors.rise_key);
#pragma unroll
    for (int n = 0; n < 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) solved[n][i] = -solved[n][i];
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      Left<T> of_queries, of_keys;
      take(of_queries, x[2 * k], x[2 * k + 1]);
      take(of_keys, solved[2 * k], solved[2 * k + 1]);
#pragma unroll
      for (int n = 0; n < KP / 16; ++n) {
        Right<T> right;
        load(right, queries, Layout::kKeyStride, 16 * k, 16 * n);
        multiply(memory[2 * n], memory[2 * n + 1], of_queries, right);
        load(right, keys, Layout::kKeyStride, 16 * k, 16 * n);
        multiply(memory[2 * n], memory[2 * n + 1], of_keys, right);
      }
    }
    __syncthreads();
    if (step + slots < chunks) outer.fetch(slot, record(step + slots));
  }

  // Hidden from the compiler, which would keep the addresses of the first reads in registers until here.
  asm volatile("" : "+l"(memory_at));
#pragma unroll
  for (int n = 0; n < kTiles; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      int key = 8 * n + 2 * (lane % 4) + (i & 1), v = column + 8 * (i >> 1);
      if (key < call.key_width && v < width) gradients.memory[memory_at + int64_t(key) * width + v] = memory[n][i];
    }
  }
}

template <typename T, int KP>
cudaError_t launch(const GatedDeltaRuleCall &call, const GatedDeltaRuleGradients &gradients) {
  Card card;
  cudaError_t error = Card::find(card);
  if (error != cudaSuccess) return error;
  using Layout = Record<T, KP>;
  Walk plan(card, int64_t(call.batch) * call.heads, call.value_width, Layout::kInverse,
            Layout::kEnd - Layout::kInverse);
  error = cudaFuncSetAttribute(walk_back<T, KP>, cudaFuncAttributeMaxDynamicSharedMemorySize, plan.bytes);
  if (error != cudaSuccess) return error;
  int64_t blocks = int64_t(call.batch) * call.heads * plan.blocks_per_head;
  walk_back<T, KP><<<static_cast<unsigned>(blocks), 32 * plan.warps, plan.bytes, call.stream>>>(
      call, gradients, plan.blocks_per_head, plan.slots, is_paired(gradients.out, call.value_width));
  return cudaGetLastError();
}

}  // namespace

cudaError_t gated_delta_rule_reverse(const GatedDeltaRuleCall &call, const GatedDeltaRuleGradients &gradients) {
  return JET_FOR_KERNEL_CASE(call, launch<T, KP>(call, gradients));
}

}  // namespace jet::cuda
