// Cluster.cuh: blocks that work on one row together, and the few numbers that they tell each other.
//
// Before Hopper there are no clusters: a block is then alone.
#pragma once

#include <cstdint>

namespace jet::cuda {

constexpr int kMostOfCluster = 8;

__device__ inline int cluster_size() {
#if __CUDA_ARCH__ >= 900
  uint32_t size;
  asm volatile("mov.u32 %0, %%cluster_nctaid.x;" : "=r"(size));
  return static_cast<int>(size);
#else
  return 1;
#endif
}

__device__ inline int cluster_rank() {
#if __CUDA_ARCH__ >= 900
  uint32_t rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return static_cast<int>(rank);
#else
  return 0;
#endif
}

/// Waits for all threads of the cluster; what they wrote to shared memory before, of any block, is there.
__device__ inline void synchronize_cluster() {
#if __CUDA_ARCH__ >= 900
  __syncwarp();
  asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
  asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
#else
  __syncthreads();
#endif
}

/// Writes to the same place of shared memory in block `rank` of the cluster.
__device__ inline void store_to(int rank, uint64_t *place, uint64_t value) {
#if __CUDA_ARCH__ >= 900
  uint32_t own = static_cast<uint32_t>(__cvta_generic_to_shared(place)), theirs;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(theirs) : "r"(own), "r"(rank));
  asm volatile("st.shared::cluster.u64 [%0], %1;" ::"r"(theirs), "l"(value) : "memory");
#else
  *place = value;
#endif
}

/// A value of each warp of each block, told to all blocks of the cluster.
///
/// There are two sets of places, used in turn, so that one barrier an exchange is enough: whoever writes to a set has
/// passed the barrier that all came to after they had read it.
template <int kWarps>
struct Exchange {
  uint64_t values[2][kMostOfCluster][kWarps];

  /// Called by all threads of all blocks; lane 0 of each warp gives its value. The result is [rank][warp].
  __device__ const uint64_t (*tell(uint64_t value, int &turn)) [kWarps] {
    int set = turn;
    turn ^= 1;
    if ((threadIdx.x & 31) == 0)
      for (int rank = 0; rank < cluster_size(); ++rank)
        store_to(rank, &values[set][cluster_rank()][threadIdx.x >> 5], value);
    synchronize_cluster();
    return values[set];
  }
};

}  // namespace jet::cuda
