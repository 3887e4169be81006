// GatedDeltaRuleFollow.cu: from the first chunk to the last by transitions, on Hopper's tensor cores.
//
// A warpgroup has 64 value columns of one head and holds the memory transposed, value columns × keys: the sums of one
// chunk's product are, converted, the left factor of the next, and nothing goes through shared memory but the
// transitions, which arrive some chunks ahead, for all blocks of a head at once. The outputs' product runs while the
// memory is converted, and outputs are written while the next chunk's memory is computed.

#include <algorithm>

#include "Launch.cuh"
#include "SharedRecords.cuh"
#include "TokenColumns.cuh"
#include "Transition.cuh"
#include "Warpgroup.cuh"

namespace jet::cuda {
namespace {

constexpr int kColumns = 64;
constexpr int kMostGroups = 2;

#ifdef JET_HAS_WARPGROUPS

/// The memory, rounded, as left factors.
template <int N>
__device__ inline void convert(uint32_t (&factors)[N / 2][4], const float (&memory)[N][4]) {
#pragma unroll
  for (int n = 0; n < N; ++n) {
    factors[n / 2][2 * (n % 2)] = packed(memory[n][0], memory[n][1]);
    factors[n / 2][2 * (n % 2) + 1] = packed(memory[n][2], memory[n][3]);
  }
}

/// Values that were fetched, as left factors.
__device__ inline void convert(uint32_t (&factors)[4][4], const TokenColumns<const Half>::Pairs &pairs) {
#pragma unroll
  for (int i = 0; i < 16; ++i) factors[i / 4][i % 4] = transposed(pairs.r[i]);
}

#endif

template <int KP, bool kPaired>
__global__ void __launch_bounds__(128 * kMostGroups, 1)
    follow(GatedDeltaRuleCall call, TokenView out, float *last_memory, int blocks_per_head, int slots) {
#ifdef JET_HAS_WARPGROUPS
  using Layout = Transition<KP>;
  constexpr int kTiles = KP / 8;
  extern __shared__ __align__(128) unsigned char shared[];
  uint64_t *arrivals = reinterpret_cast<uint64_t *>(shared + slots * Layout::kBytes);
  SharedRecords queue{shared, arrivals, arrivals + slots, slots, Layout::kBytes};
  queue.start();

  int chunks = call.chunks();
  int sequence = blockIdx.x / blocks_per_head;
  int b = sequence / call.heads, h = sequence % call.heads;
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  int first_column = blockIdx.x % blocks_per_head * (blockDim.x / 128 * kColumns) + warp * 16;
  int width = call.value_width;
  const unsigned char *records =
      static_cast<const unsigned char *>(call.records) + int64_t(sequence) * chunks * Layout::kBytes;
  auto fetch_record = [&](int chunk) {
    if (chunk < chunks) queue.fetch(chunk % slots, chunk / slots, records + int64_t(chunk) * Layout::kBytes);
  };
  for (int chunk = 0; chunk < slots; ++chunk) fetch_record(chunk);

  TokenColumns<const Half> values{head_of<Half>(call.value, b, h), call.value.token, call.tokens, first_column, width,
                                  kPaired};
  TokenColumns<Half> outputs{const_cast<Half *>(head_of<Half>(out, b, h)), out.token, call.tokens, first_column, width,
                             kPaired};
  TokenColumns<const Half>::Pairs pairs;
  auto fetch = [&](int first) {
    if constexpr (kPaired) values.fetch_paired(pairs, first);
    else values.fetch(pairs, first);
  };
  fetch(0);

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

  // Left factors of a chunk: the memory before it, and its values; of one chunk and the next in turn.
  uint32_t kept[2][KP / 16][4], given[2][4][4];
  convert(kept[0], memory);
  convert(given[0], pairs);
  auto decay_all = [&](float total) {
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) memory[n][i] *= total;
    }
  };
  const unsigned char *data = queue.await(0, 0);
  decay_all(*reinterpret_cast<const float *>(data + Layout::kTotal));

  // Outputs of the chunk before the present one, on their way.
  TokenColumns<Half>::Pairs results{};
  int slot = 0, use = 0;
  auto step = [&](int chunk, uint32_t(&kept)[KP / 16][4], uint32_t(&given)[4][4], uint32_t(&next_kept)[KP / 16][4],
                  uint32_t(&next_given)[4][4]) {
    uint32_t at = RecordQueue::address(data);
    // S⁺ = exp(G) S + F V − M S
    pin(memory);
    begin_products();
#pragma unroll
    for (int s = 0; s < 4; ++s)
      begin_product<KP>(memory, given[s], right_factor(at + Layout::kWrite + 32 * KP * s, KP));
#pragma unroll
    for (int s = 0; s < KP / 16; ++s)
      begin_product<KP>(memory, kept[s], right_factor(at + Layout::kErase + 32 * KP * s, KP));
    commit_products();

    // All of this block have done the chunk before this one. Other blocks of the cluster are given another chunk's time
    // where there are slots enough.
    __syncthreads();
    if (chunk > 0) queue.release(slot == 0 ? slots - 1 : slot - 1);
    int behind = slots > 2 ? 2 : 1;
    if (chunk >= behind) fetch_record(chunk - behind + slots);
    outputs.template store_packed<kPaired>(results, (chunk - 1) * kChunk);
    fetch((chunk + 1) * kChunk);
    values.prefetch((chunk + 2) * kChunk);

    // O = N S + R V
    float written[8][4];
    begin_products();
    begin_product<kChunk, false>(written, kept[0], right_factor(at + Layout::kRead, kChunk));
#pragma unroll
    for (int s = 1; s < KP / 16; ++s)
      begin_product<kChunk>(written, kept[s], right_factor(at + Layout::kRead + 32 * kChunk * s, kChunk));
    begin_product<64>(written, given[0], right_factor(at + Layout::pass(0), Layout::pass_rows(0)));
    begin_product<48>(written, given[1], right_factor(at + Layout::pass(1), Layout::pass_rows(1)));
    begin_product<32>(written, given[2], right_factor(at + Layout::pass(2), Layout::pass_rows(2)));
    begin_product<16>(written, given[3], right_factor(at + Layout::pass(3), Layout::pass_rows(3)));
    commit_products();

    wait_products<1>();
    pin(memory);
    // After the last chunk, its own transition again, which is there, and no decay.
    bool is_last = chunk + 1 == chunks;
    if (!is_last && ++slot == slots) {
      slot = 0;
      ++use;
    }
    data = queue.await(slot, use);
    convert(next_kept, memory);
    convert(next_given, pairs);
    float total = *reinterpret_cast<const float *>(data + Layout::kTotal);
    decay_all(is_last ? 1.0f : total);
    // Over at once; the compiler would else move what is above behind the products.
    queue.await(slot, use);

    wait_products<0>();
    pin(written);
    pin(kept);
    pin(given);
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      const float *sums = written[Layout::row(8 * (i / 2)) / 8] + 2 * (i % 2);
      results.r[i] = packed(sums[0], sums[1]);
    }
  };
  for (int chunk = 0;;) {
    step(chunk, kept[0], given[0], kept[1], given[1]);
    if (++chunk == chunks) break;
    step(chunk, kept[1], given[1], kept[0], given[0]);
    if (++chunk == chunks) break;
  }
  outputs.store_packed<kPaired>(results, (chunks - 1) * kChunk);

  // No block goes while another may still copy or arrive here.
  synchronize_cluster();
  // Hidden from the compiler, which would keep the addresses of the first reads in registers until here.
  asm volatile("" : "+l"(memory_at));
#pragma unroll
  for (int n = 0; n < kTiles; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      int key = 8 * n + 2 * (lane % 4) + (i & 1), v = column + 8 * (i >> 1);
      if (key < call.key_width && v < width) last_memory[memory_at + int64_t(key) * width + v] = memory[n][i];
    }
  }
#endif
}

template <int KP, bool kPaired>
cudaError_t launch(const GatedDeltaRuleCall &call, const TokenView &out, float *memory) {
  Card card;
  cudaError_t error = Card::find(card);
  if (error != cudaSuccess) return error;
  int64_t heads = int64_t(call.batch) * call.heads;
  // Two warpgroups share a transition where all multiprocessors have work even so.
  int slices = (call.value_width + kColumns - 1) / kColumns;
  int groups = slices >= 2 && heads * ((slices + 1) / 2) >= card.multiprocessors ? 2 : 1;
  int blocks_per_head = (slices + groups - 1) / groups;
  // Blocks of a head that share the copies of transitions: a power of two, so that the parts of a copy are alike.
  int cluster = blocks_per_head % 4 == 0 ? 4 : blocks_per_head % 2 == 0 ? 2 : 1;
  int64_t blocks = heads * blocks_per_head;
  // Transitions on their way hide the time a copy takes; blocks side by side hide it too.
  constexpr int kPerSlot = Transition<KP>::kBytes + 2 * static_cast<int>(sizeof(uint64_t));
  int together = groups == 1 && blocks > card.multiprocessors ? 2 : 1;
  int slots = std::clamp((card.shared_bytes / together - 1024) / kPerSlot, 2, 4);
  int bytes = slots * kPerSlot;
  error = cudaFuncSetAttribute(follow<KP, kPaired>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error != cudaSuccess) return error;
  cudaLaunchAttribute attribute;
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim.x = cluster;
  attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(128 * groups);
  config.dynamicSmemBytes = bytes;
  config.stream = call.stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  return cudaLaunchKernelEx(&config, follow<KP, kPaired>, call, out, memory, blocks_per_head, slots);
}

}  // namespace

cudaError_t gated_delta_rule_follow(const GatedDeltaRuleCall &call, const TokenView &out, float *memory) {
  bool paired = is_paired(call.value, call.value_width);
  switch (padded_key_width(call.key_width)) {
    case 64: return paired ? launch<64, true>(call, out, memory) : launch<64, false>(call, out, memory);
    case 96: return paired ? launch<96, true>(call, out, memory) : launch<96, false>(call, out, memory);
    case 128: return paired ? launch<128, true>(call, out, memory) : launch<128, false>(call, out, memory);
    default: return cudaErrorNotSupported;
  }
}

}  // namespace jet::cuda
