// GeneratedConvolution.h: the causal depthwise convolution of four taps whose kernels a generator makes from each
// token, in one kernel: the taps [B, T, 4·D] need not lie in device memory.
//
//     a[t] = silu(inner[t])    k[t, d, w] = W[4·d + w] · a[t] + bias[4·d + w]
//     y[t, d] = silu(z[t, d])  z[t, d] = Σ_w k[t, d, w] x[t − 3 + w, d]
// Everything is bfloat16; sums, and the taps that z is made of, are float32.
// Source: Gu et al. 2025, arXiv:2508.15884, section 2.4.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace jet::cuda {

constexpr int kGeneratedTaps = 4;
/// Tokens that a warpgroup has at a time.
constexpr int kTileTokens = 64;
/// The widest inner layer of a generator.
constexpr int kMostInner = 512;

/// Rows [B, T, …] whose last dimension lies without gaps; strides in elements, multiples of 8 where they count.
struct SequenceRows {
  const void *data;
  int64_t batch;
  int64_t token;
};

struct GeneratedConvolutionCall {
  int batch;
  int tokens;
  int channels;        // D, a multiple of 64
  int inner_width;     // R, a multiple of 8, at most kMostInner
  SequenceRows x;      // [B, T, D]
  SequenceRows inner;  // [B, T, R]
  const void *weight;  // [4·D, R]
  const void *bias;    // [4·D]
  const void *window;  // [B, D, 4], the inputs before the first token, newest last
  void *factors;       // work space of generated_convolution_bytes
  void *activated;     // [B, T, R], a = silu(inner); null where it is not asked for
  void *taps;          // [B, T, 4·D], k; null where they are not asked for
  void *y;             // [B, T, D]
  cudaStream_t stream;

  constexpr int tiles() const { return (tokens + kTileTokens - 1) / kTileTokens; }
};

/// Whether the present device has the kernel: compute capability 9.0.
bool has_generated_convolution();
/// Bytes of `factors`.
int64_t generated_convolution_bytes(int batch, int tokens, int inner_width);
/// Writes the factors, a, k and y.
cudaError_t generated_convolution(const GeneratedConvolutionCall &call);

}  // namespace jet::cuda
