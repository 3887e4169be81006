// GatedDeltaRuleFollow.cu: the walks over the chunks by transitions (see TransitionWalk.cuh).

#include <algorithm>

#include "Launch.cuh"
#include "TransitionWalk.cuh"

namespace jet::cuda {
namespace {

template <int KP, Purpose kPurpose, bool kAligned>
__global__ void __launch_bounds__(kThreads, 1)
    follow(GatedDeltaRuleCall call, Route route, const __grid_constant__ TokenTiles given,
           const __grid_constant__ TokenTiles out, int blocks_per_head, int slots) {
#ifdef JET_HAS_WARPGROUPS
  using Room = Rooms<KP, kPurpose>;
  extern __shared__ __align__(1024) unsigned char shared[];
  unsigned char *outputs = shared + slots * kTileBytes, *handed = outputs + Room::kOutputs * kTileBytes;
  unsigned char *transitions = handed + Room::kHandOver;
  uint64_t *arrivals = reinterpret_cast<uint64_t *>(transitions + slots * Room::kRecord);
  int sequence = blockIdx.x / blocks_per_head, block_column = blockIdx.x % blocks_per_head * kTileColumns;
  Walker<KP, kPurpose, kAligned> walker{call,
                                        route,
                                        given,
                                        out,
                                        SharedRecords{transitions, arrivals, arrivals + slots, slots, Room::kRecord},
                                        reinterpret_cast<Half *>(shared),
                                        reinterpret_cast<Half *>(outputs),
                                        reinterpret_cast<uint4 *>(handed),
                                        call.chunks(),
                                        sequence,
                                        sequence / call.heads,
                                        sequence % call.heads,
                                        block_column,
                                        block_column + static_cast<int>(threadIdx.x % kGroup / 32) * 16,
                                        call.value_width};
  walker.records.start();
  synchronize_cluster();
  int warp = threadIdx.x / 32;
  if (warp < 4) walker.remember();
  else if (warp < 8) walker.answer();
  else if (warp == 8) walker.bring();
  else if (kAligned && writes_values(kPurpose)) walker.send();
  // No block ends before what others send it has arrived.
  synchronize_cluster();
#endif
}

template <int KP, Purpose kPurpose, bool kAligned>
cudaError_t launch(const GatedDeltaRuleCall &call, const Route &route) {
  using Room = Rooms<KP, kPurpose>;
  Card card;
  cudaError_t error = Card::find(card);
  if (error != cudaSuccess) return error;
  int blocks_per_head = (call.value_width + kTileColumns - 1) / kTileColumns;
  int64_t blocks = int64_t(call.batch) * call.heads * blocks_per_head;
  int slots = std::clamp((card.shared_bytes - Room::kFixed) / Room::kSlot, Room::kLeastSlots, Room::kMostSlots);
  int bytes = slots * Room::kSlot + Room::kFixed;
  TokenTiles given{}, out{};
  if constexpr (kAligned) {
    error = given.describe(route.given, call.batch, call.tokens, call.heads, call.value_width);
    if (error == cudaSuccess && writes_values(kPurpose))
      error = out.describe(route.out, call.batch, call.tokens, call.heads, call.value_width);
    if (error != cudaSuccess) return error;
  }
  auto *kernel = follow<KP, kPurpose, kAligned>;
  error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error != cudaSuccess) return error;
  // Where there are more blocks than multiprocessors, large clusters would leave some of these empty.
  int sharing = blocks > card.multiprocessors ? kSharing / 2 : kSharing;
  while (blocks_per_head % sharing != 0) sharing /= 2;
  cudaLaunchAttribute cluster{};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {static_cast<unsigned>(sharing), 1, 1};
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(kThreads);
  config.dynamicSmemBytes = bytes;
  config.stream = call.stream;
  config.attrs = &cluster;
  config.numAttrs = 1;
  return cudaLaunchKernelEx(&config, kernel, call, route, given, out, blocks_per_head, slots);
}

template <Purpose kPurpose>
cudaError_t launch(const GatedDeltaRuleCall &call, const Route &route) {
  bool aligned = TokenTiles::fit(route.given, call.value_width) &&
                 (!writes_values(kPurpose) || TokenTiles::fit(route.out, call.value_width));
  switch (padded_key_width(call.key_width)) {
    case 64: return aligned ? launch<64, kPurpose, true>(call, route) : launch<64, kPurpose, false>(call, route);
    case 96: return aligned ? launch<96, kPurpose, true>(call, route) : launch<96, kPurpose, false>(call, route);
    case 128: return aligned ? launch<128, kPurpose, true>(call, route) : launch<128, kPurpose, false>(call, route);
    default: return cudaErrorNotSupported;
  }
}

}  // namespace

cudaError_t gated_delta_rule_follow(const GatedDeltaRuleCall &call, const TokenView &out, float *memory) {
  return launch<Purpose::kOutputs>(call, Route{call.value, call.memory, memory, out, nullptr, nullptr, nullptr});
}

cudaError_t gated_delta_rule_follow_replay(const GatedDeltaRuleCall &call, const void *back_records,
                                           const Replay &replay) {
  return launch<Purpose::kReplay>(call, Route{call.value,
                                              call.memory,
                                              nullptr,
                                              {},
                                              static_cast<Half *>(replay.memories),
                                              static_cast<Half *>(replay.corrections),
                                              back_records});
}

cudaError_t gated_delta_rule_follow_training(const GatedDeltaRuleCall &call, const void *back_records,
                                             const TokenView &out, float *memory, const Replay &replay) {
  return launch<Purpose::kTraining>(call,
                                    Route{call.value, call.memory, memory, out, static_cast<Half *>(replay.memories),
                                          static_cast<Half *>(replay.corrections), back_records});
}

cudaError_t gated_delta_rule_follow_reverse(const GatedDeltaRuleCall &call, const GatedDeltaRuleGradients &gradients) {
  int64_t token = int64_t(call.heads) * call.value_width;
  TokenView of_values{gradients.value, call.tokens * token, token, call.value_width};
  return launch<Purpose::kReverse>(
      call, Route{gradients.out, gradients.final_memory, gradients.memory, of_values,
                  static_cast<Half *>(gradients.memories), static_cast<Half *>(gradients.solved), nullptr});
}

}  // namespace jet::cuda
