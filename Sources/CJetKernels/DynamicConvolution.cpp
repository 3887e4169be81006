// DynamicConvolution.cpp: jet::dynamic_convolution, a causal depthwise convolution whose kernels come
// with each token: `y[t, d] = Σ_w kernels[t, d, w] · x[t − W + 1 + w, d]`, then SiLU if `activate`.
//
// Shapes: x [B, T, D], kernels [B, T, D · W] (the taps of a channel side by side), window [B, D, W]
// with the inputs before the first token, newest last; all contiguous and of one dtype, float32 or
// bfloat16. Result [B, T, D]; sums in float32, rounded once. The window is moved on by T tokens.
// Source: Gu et al. 2025, arXiv:2508.15884, section 2.4.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include "Arguments.h"
#include "Isa.h"
#include "Team.h"

namespace jet {
namespace {

struct DynamicConvolutionArguments {
  int64_t batch;
  int64_t tokens;
  int64_t channels;
  int64_t taps;
  bool half;
  bool activate;
  const void *x;
  const void *kernels;
  void *window;
  /// The inputs before the first token as rows, [B, W − 1, D].
  void *past;
  void *out;
};

}  // namespace
}  // namespace jet

#define JET_KERNEL_BODY "DynamicConvolutionKernel.inc"
#include "EachIsa.inc"

namespace jet {

at::Tensor dynamic_convolution(const at::Tensor &x, const at::Tensor &kernels, at::Tensor window, bool activate) {
  constexpr const char *name = "dynamic_convolution";
  TORCH_CHECK(x.dim() == 3 && window.dim() == 3 && window.size(2) > 0, name, ": x is ", x.sizes(), " and window ",
              window.sizes(), ", expected [batch, tokens, channels] and [batch, channels, taps].");
  at::ScalarType dtype = x.scalar_type();
  TORCH_CHECK(dtype == at::kFloat || dtype == at::kBFloat16, name, ": x is ", x.toString(),
              ", expected float32 or bfloat16.");
  int64_t batch = x.size(0);
  int64_t tokens = x.size(1);
  int64_t channels = x.size(2);
  int64_t taps = window.size(2);
  check_tensor(name, "x", x, dtype, {batch, tokens, channels});
  check_tensor(name, "kernels", kernels, dtype, {batch, tokens, channels * taps});
  check_tensor(name, "window", window, dtype, {batch, channels, taps});
  at::Tensor out = at::empty_like(x);
  if (out.numel() == 0) return out;
  at::Tensor past = at::empty({batch, taps - 1, channels}, x.options());
  DynamicConvolutionArguments arguments{batch,
                                        tokens,
                                        channels,
                                        taps,
                                        dtype == at::kBFloat16,
                                        activate,
                                        x.const_data_ptr(),
                                        kernels.const_data_ptr(),
                                        window.mutable_data_ptr(),
                                        past.mutable_data_ptr(),
                                        out.mutable_data_ptr()};
  JET_DISPATCH(dynamic_convolution_kernel, arguments);
  return out;
}

}  // namespace jet

TORCH_LIBRARY_IMPL(jet, CPU, m) { m.impl("dynamic_convolution", &jet::dynamic_convolution); }
