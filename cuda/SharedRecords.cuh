// SharedRecords.cuh: records that all blocks of a cluster read: each block asks for a part of a record and the copy
// goes to all of them, so that the second-level cache is read once.
//
// Of Hopper's instructions; no other card is to come here.
#pragma once

#include "Cluster.cuh"
#include "Record.cuh"

namespace jet::cuda {

#if __CUDA_ARCH__ >= 900

__device__ inline void set_up_arrivals(uint64_t *place, int expected) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(RecordQueue::address(place)), "r"(expected) : "memory");
}

/// Arrives in this block, and tells how many bytes are still to come.
__device__ inline void expect_bytes(uint64_t *place, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(RecordQueue::address(place)), "r"(bytes)
               : "memory");
}

/// Arrives at the same place in block `rank` of the cluster.
__device__ inline void arrive_in(int rank, uint64_t *place) {
  uint32_t theirs;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(theirs) : "r"(RecordQueue::address(place)), "r"(rank));
  asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(theirs) : "memory");
}

/// Waits until all have arrived for the time `use`, counted from 0.
__device__ inline void await_arrivals(uint64_t *place, int use) {
  uint32_t done = 0;
  while (!done) {
    asm volatile(
        "{\n.reg .pred p;\n"
        "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n}"
        : "=r"(done)
        : "r"(RecordQueue::address(place)), "r"(use & 1)
        : "memory");
  }
}

/// Begins a copy to the same place of `blocks` blocks of the cluster, which arrives at `place` in each.
__device__ inline void copy_to_all(unsigned char *to, const unsigned char *from, int bytes, uint64_t *place,
                                   int blocks) {
  if (blocks == 1) {
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
            RecordQueue::address(to)),
        "l"(from), "r"(bytes), "r"(RecordQueue::address(place))
        : "memory");
  } else {
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], %2, [%3], "
        "%4;" ::"r"(RecordQueue::address(to)),
        "l"(from), "r"(bytes), "r"(RecordQueue::address(place)), "h"(static_cast<unsigned short>((1 << blocks) - 1))
        : "memory");
  }
}

__device__ inline void publish_arrivals() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/// Slots of records in each block of a cluster.
struct SharedRecords {
  unsigned char *slots;  // shared, `count` of `bytes`, a multiple of 128
  uint64_t *arrivals;    // shared, `count`: a record is there
  uint64_t *releases;    // shared, `count`: no block of the cluster reads a slot any more
  int count;
  int bytes;

  /// To be called once by all threads of all blocks before anything else.
  __device__ void start() {
    if (threadIdx.x == 0) {
      for (int slot = 0; slot < count; ++slot) {
        set_up_arrivals(arrivals + slot, 1);
        set_up_arrivals(releases + slot, cluster_size());
      }
      publish_arrivals();
    }
    synchronize_cluster();
  }

  /// Begins this block's share of the `use`-th record of a slot, once all blocks have released the one before. By all
  /// threads of all blocks.
  __device__ void fetch(int slot, int use, const unsigned char *record) {
    if (threadIdx.x == 0) {
      if (use > 0) await_arrivals(releases + slot, use - 1);
      int blocks = cluster_size(), part = bytes / blocks, at = cluster_rank() * part;
      expect_bytes(arrivals + slot, bytes);
      copy_to_all(slots + slot * bytes + at, record + at, part, arrivals + slot, blocks);
    }
  }

  /// Waits for the `use`-th record of a slot. By all threads.
  __device__ const unsigned char *await(int slot, int use) {
    await_arrivals(arrivals + slot, use);
    return slots + slot * bytes;
  }

  /// Tells all blocks that none of this block's threads reads a slot any more. By all threads.
  __device__ void release(int slot) {
    int blocks = cluster_size();
    if (threadIdx.x < blocks) arrive_in(threadIdx.x, releases + slot);
  }
};

#endif

}  // namespace jet::cuda
