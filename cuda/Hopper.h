// Hopper.h: whether the present device is of the generation for which there is machine code.
#pragma once

#include <cuda_runtime_api.h>

namespace jet::cuda {

/// Whether the present device is of compute capability 9.0, whose own instructions some kernels are made of. Others run
/// code that neither waits for earlier kernels nor knows clusters.
inline bool is_hopper() {
  int device = 0, major = 0, minor = 0;
  return cudaGetDevice(&device) == cudaSuccess &&
         cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
         cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess && major == 9 &&
         minor == 0;
}

}  // namespace jet::cuda
