// SharedRecords.cuh: records that all blocks of a cluster read. Each block asks for a part of a record, and the copy
// goes to all of them, so that the second-level cache is read once.
//
// Of Hopper's instructions; no other card is to come here.
#pragma once

#include "Cluster.cuh"
#include "Record.cuh"

namespace jet::cuda {

#if __CUDA_ARCH__ >= 900

struct SharedRecords {
  unsigned char *slots;  // shared, `count` of `bytes`; parts are multiples of 16 for each block of the cluster
  uint64_t *arrivals;    // shared, `count`: a record is there, and what else the block waits for with it
  uint64_t *releases;    // shared, `count`: no block of the cluster reads a slot any more
  int count;
  int bytes;

  /// To be called once by all threads; then the cluster has to meet before anything else.
  __device__ void start() const {
    if (threadIdx.x != 0) return;
    for (int slot = 0; slot < count; ++slot) {
      start_place(arrivals + slot, 1);
      start_place(releases + slot, cluster_size());
    }
    publish_places();
  }

  /// Waits until all blocks have released a slot before its `use`-th use, counted from 0.
  __device__ void await_release(int slot, int use) const {
    if (use > 0) await_phase(releases + slot, use - 1);
  }

  /// A record is to arrive in a slot that was released, and with it `more_bytes` of the block's own. By one thread of
  /// each block, before it fetches parts of the record.
  __device__ void expect(int slot, int more_bytes) const { expect_bytes(arrivals + slot, bytes + more_bytes); }

  /// Begins this block's share of the copy of `count` bytes, which are to lie at a place of the record. By one thread
  /// of each block.
  __device__ void fetch(int slot, int place, const unsigned char *from, int count) const {
    int blocks = cluster_size(), part = count / blocks, at = cluster_rank() * part;
    unsigned char *to = slots + slot * bytes + place + at;
    if (blocks == 1) {
      bring_bytes(to, from, part, arrivals + slot);
    } else {
      asm volatile(
          "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], %2, [%3], "
          "%4;" ::"r"(shared_address(to)),
          "l"(from + at), "r"(part), "r"(shared_address(arrivals + slot)),
          "h"(static_cast<unsigned short>((1 << blocks) - 1))
          : "memory");
    }
  }

  /// Waits for the `use`-th record of a slot. By all threads that read it.
  __device__ const unsigned char *await(int slot, int use) const {
    await_phase(arrivals + slot, use);
    return slots + slot * bytes;
  }

  /// Tells all blocks that none of this block's threads reads a slot any more. By one thread. It orders nothing but
  /// what was read: an order among clusters would wait for all that the thread has written to device memory.
  __device__ void release(int slot) const {
    uint32_t own = shared_address(releases + slot);
    for (int rank = 0; rank < cluster_size(); ++rank) {
      asm volatile(
          "{\n.reg .b32 theirs;\n"
          "mapa.shared::cluster.u32 theirs, %0, %1;\n"
          "mbarrier.arrive.shared::cluster.b64 _, [theirs];\n}" ::"r"(own),
          "r"(rank)
          : "memory");
    }
  }
};

#endif

}  // namespace jet::cuda
