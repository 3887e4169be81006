// GatedDeltaRulePasses.h: the gated delta rule forwards and back, on tensors: what is checked, the work space, the
// order of kernels.
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <tuple>

namespace jet::cuda {

/// What jet::gated_delta_rule is given: B sequences of T tokens, H heads, keys of width K, values of width V.
struct GatedDeltaRuleInputs {
  at::Tensor query, key;                 // [B, T, H, K], float32 or bfloat16
  at::Tensor value;                      // [B, T, H, V], of the same type
  at::Tensor write_strength, log_decay;  // [B, T, H], float32
  at::Tensor memory;                     // [B, H, K, V], float32
  double scale;
  bool normalize;
  bool activate;  // whether query and key pass silu first
};

/// What a training pass leaves, so that the way back need not go forward again. Bytes that only kernels read.
struct GatedDeltaRuleTrace {
  at::Tensor back_records, factors, memories, corrections;
};

/// Their gradients, in the order of the inputs.
using GatedDeltaRuleGradientsOfInputs =
    std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

/// Returns the outputs, of the shape of the values, and writes the memory after the last token to `after`, which may be
/// the memory of the inputs.
at::Tensor forward_pass(const GatedDeltaRuleInputs &x, const at::Tensor &after);

/// Whether a training pass can leave its trace: where there are transitions, up to a limit of bytes.
bool leaves_trace(const GatedDeltaRuleInputs &x);
/// The same results, bit for bit, and the trace. Only where `leaves_trace` says so.
at::Tensor training_pass(const GatedDeltaRuleInputs &x, const at::Tensor &after, GatedDeltaRuleTrace &trace);

/// The gradients, from those of the outputs and of the memory after the last token, which may be missing: zeros.
/// Without a trace the way forward is gone again; the bits are the same. `of_query` and `of_key` say where the
/// gradients of queries and keys are written, with strides of their own.
GatedDeltaRuleGradientsOfInputs backward_pass(const GatedDeltaRuleInputs &x, const at::Tensor &of_out,
                                              const std::optional<at::Tensor> &of_memory,
                                              const GatedDeltaRuleTrace *trace, const at::Tensor &of_query,
                                              const at::Tensor &of_key);

}  // namespace jet::cuda
