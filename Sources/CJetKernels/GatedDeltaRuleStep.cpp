// GatedDeltaRuleStep.cpp: jet::gated_delta_rule_step, one token of the gated delta rule.
//
// `S = α S; u = β (v − Sᵀ k); S = S + k uᵀ; o = scale · Sᵀ q` with S = [K, V], α = exp(log_decay) and
// β = write_strength. Shapes, dtypes, strides and the promise for a token that writes nothing are
// those of GatedDeltaRuleChunked.cpp with T = 1. The state comes from memory once: what is used of it
// a second time lies in the second-level cache.
// Source: Yang et al. 2024, arXiv:2412.06464, section 3.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <torch/library.h>

#include "GatedDeltaRule.h"
#include "Isa.h"
#include "Team.h"

#define JET_KERNEL_BODY "GatedDeltaRuleStepKernel.inc"
#include "EachIsa.inc"

namespace jet {

at::Tensor gated_delta_rule_step(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                                 const at::Tensor &write_strength, const at::Tensor &log_decay,
                                 const at::Tensor &memory, double scale, bool normalize) {
  GatedDeltaRuleArguments arguments = checked_gated_delta_rule("gated_delta_rule_step", query, key, value,
                                                               write_strength, log_decay, memory, scale, normalize);
  TORCH_CHECK(arguments.tokens == 1, "gated_delta_rule_step: query has ", arguments.tokens,
              " tokens, expected 1: use gated_delta_rule_chunked for more.");
  at::Tensor out = at::empty(value.sizes(), value.options());
  arguments.out = out.mutable_data_ptr();
  if (out.numel() > 0) JET_DISPATCH(gated_delta_rule_step_kernel, arguments);
  return out;
}

}  // namespace jet

TORCH_LIBRARY_IMPL(jet, CPU, m) { m.impl("gated_delta_rule_step", &jet::gated_delta_rule_step); }
