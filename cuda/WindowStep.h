// WindowStep.h: what a linear mixer does with the last inputs of each channel in one token a row, its windows in a
// pool, as plain functions of pointers, sizes and a stream.
//
// With s the slot of a row and d a channel:
//     convolution  window[s, d] ← (window[s, d] without its oldest, x_d)    y_d = silu(Σ_w weight[d, w] · window[s, d,
//     w] + bias_d) shift        y_d = window[s, d], window[s, d] ← x_d
// Sums are float32 and rounded once.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace jet::cuda {

/// The most rows.
constexpr int kMostWindowRows = 65535;

/// Sizes and tensors of one call, all of one type; all pointers are of the device.
struct WindowStepCall {
  int rows;
  int channels;
  int taps;  // 1 of a shift
  int slot_count;
  bool half;             // bfloat16, else float32
  const void *x;         // [N, D]
  int64_t x_row;         // from a row to the next, in elements
  const void *weight;    // [D, W], of a convolution
  const void *bias;      // [D] or null, of a convolution
  void *window;          // [slots, D, W], newest last; changed
  const int32_t *slots;  // [N]; a row whose slot is none of the pool's gives NaN and changes nothing
  void *out;             // [N, D]
  cudaStream_t stream;
};

/// Do it. Rows with the same slot race for it.
cudaError_t convolution_step(const WindowStepCall &call);
cudaError_t token_shift_step(const WindowStepCall &call);

}  // namespace jet::cuda
