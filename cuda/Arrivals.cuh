// Arrivals.cuh: places in shared memory at which threads and copies arrive, and copies that do.
//
// But for `shared_address`, of Hopper's instructions.
#pragma once

#include <cstdint>

namespace jet::cuda {

__device__ inline uint32_t shared_address(const void *p) { return static_cast<uint32_t>(__cvta_generic_to_shared(p)); }

#if __CUDA_ARCH__ >= 900

/// By one thread, before `publish_places`: as many arrivals are awaited at a place each time.
__device__ inline void start_place(uint64_t *place, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(place)), "r"(count) : "memory");
}

/// What the thread wrote to shared memory, or has seen arrive there, is there for copies and products that begin after
/// this.
__device__ inline void show_writes() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

/// Makes the places that the thread started visible to copies and to other blocks; then all have to meet.
__device__ inline void publish_places() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  show_writes();
}

/// Waits until all have arrived at a place for the time `use`, counted from 0.
__device__ inline void await_phase(const uint64_t *place, int use) {
  uint32_t at = shared_address(place);
  uint32_t done = 0;
  while (!done) {
    asm volatile(
        "{\n.reg .pred p;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n}"
        : "=r"(done)
        : "r"(at), "r"(use & 1)
        : "memory");
  }
}

/// Arrives at a place.
__device__ inline void arrive(uint64_t *place) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(place)) : "memory");
}

/// Arrives at a place, at which `bytes` of copies are awaited as well. By one thread.
__device__ inline void expect_bytes(uint64_t *place, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(place)), "r"(bytes)
               : "memory");
}

/// Begins a copy that arrives at a place, of a multiple of 16 bytes. By one thread.
__device__ inline void bring_bytes(void *to, const void *from, int bytes, uint64_t *place) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                   shared_address(to)),
               "l"(from), "r"(bytes), "r"(shared_address(place))
               : "memory");
}

#endif

}  // namespace jet::cuda
