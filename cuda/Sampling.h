// Sampling.h: one token id for each row of logits.
//
// With x the logits of a row, m their greatest and w_i = exp((x_i − m) / temperature), in this order:
//     top-k   the k greatest logits stay, of equal ones those of the lowest ids
//     top-p   of these the fewest greatest stay whose weights reach top_p times the sum of those that top-k left
//     min-p   what is less than min_p times as likely as the greatest goes
//     draw    the first id whose weight, added to those of the ids before it that stayed, exceeds u times the sum of
//     all
// u is a multiple of 2⁻⁵³ in [0, 1): the 53 high bits of mix(mix(seed + γ) + γ (position + 1)), where mix is the
// finalizer of splitmix64 and γ = 9e3779b97f4a7c15, modulo 2⁶⁴. Temperature 0 takes the greatest, of equal ones that of
// the lowest id. A row with NaN or +inf, or of −inf alone, or with a temperature that is NaN or below 0, gives −1.
// Source: the order is that of Sources/JetInference/Sampler.swift; splitmix64.c, prng.di.unimi.it.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace jet::cuda {

/// Sizes and tensors of one call; all pointers are of the device.
struct SampleStepCall {
  int rows;
  int vocabulary;
  const float *logits;  // [N, V], rows `row_stride` elements apart
  int64_t row_stride;
  const float *temperature;  // [N]
  const int *top_k;          // [N], 0 for all
  const float *top_p;        // [N], 1 for all
  const float *min_p;        // [N], 0 for all
  const int64_t *seeds;      // [N]
  const int *positions;      // [N]
  int64_t *ids;              // [N]
  cudaStream_t stream;
};

cudaError_t launch_sample_step(const SampleStepCall &call);

}  // namespace jet::cuda
