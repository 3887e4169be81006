// RotaryStep.h: queries, keys and values of one new token of each of N sequences, from a merged projection.
//
// With p the position of a sequence's token and x a head of its queries or keys, normed first where asked for:
//     norm    x ← round(x / √(mean(x²) + ε) · w)
//     turn    θ_i = p f_i, c_i = m cos θ_i, s_i = m sin θ_i, y_i = x_i c_i − x_{i+D/2} s_i, y_{i+D/2} = x_{i+D/2} c_i +
//     x_i s_i
// in float32, y rounded once. Keys and values go to token i mod C of page pages[n][i / C] of the pools, i = p, in a
// ring p mod C. A sequence whose i lies on none of its pages, as with p = −1, writes nothing. Source: Su et al. 2021,
// arXiv:2104.09864, in the half-split layout of Hugging Face checkpoints.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace jet::cuda {

/// Sizes and tensors of one call; all pointers are of the device. T is bfloat16 where `half`, else float32.
struct RotaryStepCall {
  int sequences;
  int heads;           // H, of the queries
  int key_heads;       // G
  int head_width;      // D, even
  int page_tokens;     // C
  int sequence_pages;  // M
  int pool_pages;      // P
  bool half;
  bool ring;
  float eps;
  float magnitude;
  const void *projected;  // T [N, (H + 2 G) D], rows `row_stride` elements apart
  int64_t row_stride;
  const void *query_norm;    // T [D], or null
  const void *key_norm;      // T [D], or null
  const float *frequencies;  // [D / 2]
  const int *pages;          // [N, M]
  const int *positions;      // [N]
  void *keys;                // T [P, G, C, D]
  void *values;              // T [P, G, C, D]
  void *queries;             // T [N, H, D], the result
  cudaStream_t stream;
};

/// The widest head.
constexpr int kRotaryStepWidest = 512;

cudaError_t launch_rotary_step(const RotaryStepCall &call);

}  // namespace jet::cuda
