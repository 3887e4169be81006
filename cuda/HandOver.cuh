// HandOver.cuh: barriers at which some warps of a block wait for what others have written.
#pragma once

namespace jet::cuda {

/// Waits until `threads` threads, whole warps, have come to the barrier of this number, 1 to 15, with this call or the
/// next. What they wrote to shared memory before is there.
__device__ inline void meet(int barrier, int threads) {
  asm volatile("barrier.cta.sync.aligned %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}
/// The same without waiting.
__device__ inline void pass(int barrier, int threads) {
  asm volatile("barrier.cta.arrive.aligned %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

}  // namespace jet::cuda
