// DependentLaunch.cuh: kernels that start while the one before them in the stream still runs.
//
// A kernel launched by `launch_dependent` calls `wait_for_earlier` in every thread before it touches memory, and
// `let_later_start` as soon as it likes: the next kernel's blocks may then take their places, and wait in turn.
#pragma once

#include <cuda_runtime.h>

#include "Hopper.h"

namespace jet::cuda {

/// Waits until all earlier work of the stream is done and its results can be seen.
__device__ inline void wait_for_earlier() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// Lets the next kernel of the stream start; its own wait lasts until this one has ended.
__device__ inline void let_later_start() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// Shared memory that the system takes for each block.
constexpr int kReservedSharedBytes = 1024;

/// What a launch asks of the present device.
struct DeviceLimits {
  int multiprocessors = 0;
  int shared_bytes = 0;                 // of a block, at most
  int multiprocessor_shared_bytes = 0;  // for all its blocks, with what the system takes of each
  bool is_hopper = false;               // the code of that generation runs, with its clusters and dependent launches
  bool may_overlap = true;              // whether a kernel may start before the one before it has ended

  static cudaError_t find(DeviceLimits &limits) {
    int device = 0;
    cudaError_t error = cudaGetDevice(&device);
    if (error == cudaSuccess)
      error = cudaDeviceGetAttribute(&limits.multiprocessors, cudaDevAttrMultiProcessorCount, device);
    if (error == cudaSuccess)
      error = cudaDeviceGetAttribute(&limits.shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
    if (error == cudaSuccess)
      error = cudaDeviceGetAttribute(&limits.multiprocessor_shared_bytes, cudaDevAttrMaxSharedMemoryPerMultiprocessor,
                                     device);
    limits.is_hopper = jet::cuda::is_hopper();
    return error;
  }
};

/// Asks for as much of the first cache as shared memory as there is. Kernels that want other splits cannot run beside
/// each other on a multiprocessor, so all that follow one another in a step want the same.
template <typename Kernel>
cudaError_t prefer_shared_memory(Kernel *kernel) {
  return cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared);
}

/// Launches `kernel` behind the work of `stream`; on Hopper it may start before that has ended, if the limits say so.
///
/// - cluster: blocks of a cluster along x, on Hopper.
template <typename... Parameters, typename... Arguments>
cudaError_t launch_dependent(const DeviceLimits &limits, void (*kernel)(Parameters...), dim3 grid, int threads,
                             int shared_bytes, int cluster, cudaStream_t stream, const Arguments &...arguments) {
  if (cudaError_t error = prefer_shared_memory(kernel); error != cudaSuccess) return error;
  cudaLaunchAttribute attributes[2];
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = dim3(threads);
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  config.attrs = attributes;
  if (limits.is_hopper && limits.may_overlap) {
    cudaLaunchAttribute &attribute = attributes[config.numAttrs++];
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
  }
  if (limits.is_hopper && cluster > 1) {
    cudaLaunchAttribute &attribute = attributes[config.numAttrs++];
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim.x = cluster;
    attribute.val.clusterDim.y = 1;
    attribute.val.clusterDim.z = 1;
  }
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

}  // namespace jet::cuda
