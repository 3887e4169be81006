// JetBlockStep.cpp: jet::jet_block_step, one token of the JetBlock a sequence.
//
//     q, k, v, gate, r, a, b = input · (rms(x) * norm)        kernel = generator · silu(r) + bias
//     y_d = Σ_w kernel[d, w] · window[d, w], v = silu(y)      q, k = unit(silu(q)), unit(silu(k))
//     β = sigmoid(b), α = exp(−exp(a_log) · softplus(a + dt_bias))
//     S ← αS, u = β(v − Sᵀk), S ← S + k uᵀ, o = Sᵀq · K^−½
//     x + output · (rms(o) * output_norm * silu(gate))
//
// Shapes: x [N, D], input [2HK + 2HV + R + 2H, D] in the order of the first line, generator
// [H·V·4, R] (row d · 4 + w), a_log and dt_bias [H], window [N, H·V, 4] in x's dtype with the newest
// last, memory S float32 [N, H, K, V], output_norm [V], output [D, H·V]; window and memory are
// updated in place. Rounded to x's dtype after the norm, the projections, each SiLU and the gated
// product; the state, the gates and the norms are float32.
// Source: Gu et al. 2025, arXiv:2508.15884; the rule: Yang et al. 2024, arXiv:2412.06464.

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include <cmath>

#include "Arguments.h"
#include "Isa.h"
#include "Step.h"
#include "Team.h"

namespace jet {
namespace {

/// The width of the dynamic convolution.
constexpr int64_t taps = 4;

struct JetBlockStepArguments {
  int64_t sequences;
  int64_t width;
  int64_t heads;
  int64_t key_width;
  int64_t value_width;
  int64_t reduced_width;
  bool half;
  float eps;
  float output_eps;
  const void *x;
  Values norm;
  const void *input;
  const void *generator;
  Values generator_bias;
  Values a_log;
  Values dt_bias;
  void *window;
  float *memory;
  Values output_norm;
  const void *output;
  void *out;
};

}  // namespace
}  // namespace jet

#define JET_KERNEL_BODY "JetBlockStepKernel.inc"
#include "EachIsa.inc"

namespace jet {

at::Tensor jet_block_step(const at::Tensor &x, const at::Tensor &norm, double eps,
                          const at::Tensor &input, const at::Tensor &generator,
                          const at::Tensor &generator_bias, const at::Tensor &a_log,
                          const at::Tensor &dt_bias, at::Tensor window, at::Tensor memory,
                          const at::Tensor &output_norm, double output_eps,
                          const at::Tensor &output, int64_t heads) {
  constexpr const char *name = "jet_block_step";
  check_activations(name, x);
  int64_t sequences = x.size(0);
  int64_t width = x.size(1);
  TORCH_CHECK(memory.dim() == 4 && memory.size(1) == heads && heads > 0, name, ": memory is ",
              memory.sizes(), ", expected [sequences, ", heads, ", key width, value width].");
  int64_t key_width = memory.size(2);
  int64_t value_width = memory.size(3);
  int64_t channels = heads * value_width;
  int64_t reduced_width = generator.dim() == 2 ? generator.size(1) : 0;
  TORCH_CHECK(key_width > 0 && value_width > 0 && reduced_width > 0, name, ": memory is ",
              memory.sizes(), " and generator ", generator.sizes(), ", expected no empty size.");
  int64_t rows = 2 * heads * key_width + 2 * channels + reduced_width + 2 * heads;
  at::ScalarType dtype = x.scalar_type();
  check_tensor(name, "memory", memory, at::kFloat, {sequences, heads, key_width, value_width});
  check_tensor(name, "window", window, dtype, {sequences, channels, taps});
  check_tensor(name, "input", input, dtype, {rows, width});
  check_tensor(name, "generator", generator, dtype, {channels * taps, reduced_width});
  check_tensor(name, "output", output, dtype, {width, channels});
  at::Tensor out = at::empty_like(x);
  JetBlockStepArguments arguments{
      sequences,
      width,
      heads,
      key_width,
      value_width,
      reduced_width,
      dtype == at::kBFloat16,
      static_cast<float>(eps),
      static_cast<float>(output_eps),
      x.const_data_ptr(),
      checked_values(name, "norm", norm, width),
      input.const_data_ptr(),
      generator.const_data_ptr(),
      checked_values(name, "generator_bias", generator_bias, channels * taps),
      checked_values(name, "a_log", a_log, heads),
      checked_values(name, "dt_bias", dt_bias, heads),
      window.mutable_data_ptr(),
      memory.mutable_data_ptr<float>(),
      checked_values(name, "output_norm", output_norm, value_width),
      output.const_data_ptr(),
      out.mutable_data_ptr()};
  int64_t bytes = x.element_size();
  for_each_block(sequences, [&](int64_t first, int64_t count) {
    JetBlockStepArguments block = arguments;
    block.sequences = count;
    block.x = static_cast<const char *>(arguments.x) + first * width * bytes;
    block.out = static_cast<char *>(arguments.out) + first * width * bytes;
    block.window = static_cast<char *>(arguments.window) + first * channels * taps * bytes;
    block.memory = arguments.memory + first * channels * key_width;
    JET_DISPATCH(jet_block_step_kernel, block);
  });
  return out;
}

}  // namespace jet

TORCH_LIBRARY_IMPL(jet, CPU, m) { m.impl("jet_block_step", &jet::jet_block_step); }
