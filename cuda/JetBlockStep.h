// JetBlockStep.h: one token of the JetBlock for each row, its memory and window in pools, as a plain function of
// pointers, sizes and a stream.
//
// With s the slot of a row, S the memory [K, V] of one of its heads, and d a channel of the values:
//     window[s, d] ← (window[s, d] without its oldest, v_d)     y_d = Σ_w taps[d, w] · window[s, d, w]
//     v = silu(y)     k = unit(silu(k))     q = unit(silu(q)) · K^−½     unit(x) = x / √(Σx² + 10⁻⁶)
//     β = sigmoid(b)     α = exp(−exp(log_rate) · softplus(a + step_bias))
//     u = β (v − α Sᵀk)     S ← αS + k uᵀ     o = Sᵀq     out = o / √(mean(o²) + ε) · norm · silu(gate)
// silu(q), silu(k), v and o are rounded to the type of the row, and so is the result; all else is float32.
// Source: Gu et al. 2025, arXiv:2508.15884, section 2.4; the rule: Yang et al. 2024, arXiv:2412.06464, section 3.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace jet::cuda {

/// The widest key and value that the kernel is made for.
constexpr int kMostStepWidth = 512;
/// The most rows, and the most heads.
constexpr int kMostStepGrid = 65535;

/// A contiguous vector of float32 or bfloat16 numbers.
struct StepVector {
  const void *data;
  bool half;
};

/// Sizes and tensors of one call; all pointers are of the device.
struct JetBlockStepCall {
  int rows;
  int heads;
  int key_width;    // at most kMostStepWidth
  int value_width;  // at most kMostStepWidth
  int taps;
  int slot_count;
  bool half;         // projected, kernels, window and out are bfloat16, else float32
  bool half_memory;  // the memory is bfloat16, else float32
  float eps;
  const void *projected;  // [N, q | k | v | gate | … | a | b]
  int64_t projected_row;  // from a row to the next, in elements
  int64_t first_decay;    // where a begins in a row; b follows it
  const void *kernels;    // [N, H·V·W], the taps of a channel side by side
  StepVector log_rate;    // [H]
  StepVector step_bias;   // [H]
  StepVector norm;        // [V]
  void *window;           // [slots, H·V, W], newest last; changed
  void *memory;           // [slots, H, K, V]; changed
  const int32_t *slots;   // [N]; a row whose slot is none of the pool's gives NaN and changes nothing
  void *out;              // [N, H·V]
  cudaStream_t stream;
};

/// Does it. Rows with the same slot race for it.
cudaError_t jet_block_step(const JetBlockStepCall &call);

}  // namespace jet::cuda
