// JetBlockStep.cpp: the stage of one token of the JetBlock a sequence.
//
//     q, k, v, gate, r, a, b = input · (rms(x) * norm)        kernel = generator · silu(r) + bias
//     y_d = Σ_w kernel[d, w] · window[d, w], v = silu(y)      q, k = unit(silu(q)), unit(silu(k))
//     β = sigmoid(b), α = exp(−exp(a_log) · softplus(a + dt_bias))
//     S ← αS, u = β(v − Sᵀk), S ← S + k uᵀ, o = Sᵀq · K^−½
//     x + output · (rms(o) * output_norm * silu(gate))
//
// Shapes: x [N, D], input [2HK + 2HV + R + 2H, D] in the order of the first line, generator
// [H·V·4, R] (row d · 4 + w), a_log and dt_bias [H], window [S, H·V, 4] in x's dtype with the newest
// last, memory float32 [S, H, K, V], slots int32 [N], output_norm [V], output [D, H·V]; window and
// memory of row n, at slots[n] of their pools, are updated in place. Rounded to x's dtype after the
// norm, the projections, each SiLU and the gated product; the state, the gates and the norms are float32.
// Source: Gu et al. 2025, arXiv:2508.15884; the rule: Yang et al. 2024, arXiv:2412.06464.

#include <c10/util/Exception.h>

#include <vector>

#include "StepArguments.h"

namespace jet {
namespace {

/// The slots, each checked to be one of `count` and to be named once.
const int32_t *checked_slots(const char *name, const at::Tensor &slots, int64_t sequences, int64_t count) {
  check_tensor(name, "slots", slots, at::kInt, {sequences});
  const int32_t *slot = numbers<int32_t>(slots);
  for (int64_t n = 0; n < sequences; ++n) {
    TORCH_CHECK(0 <= slot[n] && slot[n] < count, name, ": sequence ", n, " has slot ", slot[n],
                ", expected one from 0 to ", count - 1, ", the last of the pool.");
  }
  check_distinct(name, "slot", std::vector<int32_t>(slot, slot + sequences));
  return slot;
}

}  // namespace

JetBlockStage jet_block_stage(const char *name, const at::Tensor &x, const at::Tensor &norm, double eps,
                              const at::Tensor &projection, const at::Tensor &generator,
                              const at::Tensor &generator_bias, const at::Tensor &a_log, const at::Tensor &dt_bias,
                              const at::Tensor &window, const at::Tensor &memory, const at::Tensor &slots,
                              const at::Tensor &output_norm, double output_eps, const at::Tensor &output,
                              int64_t heads) {
  StageInput input = stage_input(name, x, norm, eps);
  int64_t width = input.width;
  TORCH_CHECK(memory.dim() == 4 && memory.size(1) == heads && heads > 0, name, ": memory is ", memory.sizes(),
              ", expected [slots, ", heads, ", key width, value width].");
  int64_t pool_slots = memory.size(0);
  int64_t key_width = memory.size(2);
  int64_t value_width = memory.size(3);
  int64_t channels = heads * value_width;
  int64_t reduced_width = generator.dim() == 2 ? generator.size(1) : 0;
  TORCH_CHECK(key_width > 0 && value_width > 0 && reduced_width > 0, name, ": memory is ", memory.sizes(),
              " and generator ", generator.sizes(), ", expected no empty size.");
  int64_t rows = 2 * heads * key_width + 2 * channels + reduced_width + 2 * heads;
  at::ScalarType dtype = x.scalar_type();
  check_tensor(name, "memory", memory, at::kFloat, {pool_slots, heads, key_width, value_width});
  check_tensor(name, "window", window, dtype, {pool_slots, channels, step_taps});
  check_tensor(name, "input", projection, dtype, {rows, width});
  check_tensor(name, "generator", generator, dtype, {channels * step_taps, reduced_width});
  check_tensor(name, "output", output, dtype, {width, channels});
  return {input,
          heads,
          key_width,
          value_width,
          reduced_width,
          static_cast<float>(output_eps),
          projection.const_data_ptr(),
          generator.const_data_ptr(),
          checked_values(name, "generator_bias", generator_bias, channels * step_taps),
          checked_values(name, "a_log", a_log, heads),
          checked_values(name, "dt_bias", dt_bias, heads),
          window.mutable_data_ptr(),
          memory.mutable_data_ptr<float>(),
          checked_slots(name, slots, input.sequences, pool_slots),
          checked_values(name, "output_norm", output_norm, value_width),
          output.const_data_ptr(),
          nullptr};
}

JetBlockStage JetBlockStage::block(int64_t first, int64_t count) const {
  JetBlockStage block = *this;
  block.input = input.block(first, count);
  block.out = advanced(out, first * input.width, input.bytes());
  block.slots += first;
  return block;
}

}  // namespace jet
