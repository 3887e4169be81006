// Registration.cpp: the CUDA implementations of jet:: operators of the gated delta rule, for libtorch's dispatcher, and
// its gradient. Schemas are in Sources/CJetKernels/Library.cpp.

#include <ATen/ATen.h>
#include <ATen/MemoryOverlap.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/library.h>

#include "GatedDeltaRulePasses.h"
#include "GradientPlaces.h"
#include "Traces.h"

namespace jet::cuda {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The operator that changes the memory in place, without gradients.
at::Tensor gated_delta_rule_chunked(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                                    const at::Tensor &write_strength, const at::Tensor &log_decay,
                                    const at::Tensor &memory, double scale, bool normalize, bool activate) {
  at::assert_no_internal_overlap(memory);
  return forward_pass({query, key, value, write_strength, log_decay, memory, scale, normalize, activate}, memory);
}

/// Outputs, and the memory after the last token.
std::tuple<at::Tensor, at::Tensor> gated_delta_rule(const at::Tensor &query, const at::Tensor &key,
                                                    const at::Tensor &value, const at::Tensor &write_strength,
                                                    const at::Tensor &log_decay, const at::Tensor &memory, double scale,
                                                    bool normalize, bool activate) {
  at::Tensor after = at::empty(memory.sizes(), memory.options());
  at::Tensor out =
      forward_pass({query, key, value, write_strength, log_decay, memory, scale, normalize, activate}, after);
  return {out, after};
}

/// Gradients of query, key, value, write strength, log decay and memory. `of_memory` may be undefined: zeros.
GatedDeltaRuleGradientsOfInputs gated_delta_rule_backward(const at::Tensor &of_out,
                                                          const std::optional<at::Tensor> &of_memory,
                                                          const at::Tensor &query, const at::Tensor &key,
                                                          const at::Tensor &value, const at::Tensor &write_strength,
                                                          const at::Tensor &log_decay, const at::Tensor &memory,
                                                          double scale, bool normalize, bool activate) {
  return backward_pass({query, key, value, write_strength, log_decay, memory, scale, normalize, activate}, of_out,
                       of_memory, nullptr, at::empty(query.sizes(), query.options()),
                       at::empty(key.sizes(), key.options()));
}

/// Keeps the inputs, and the trace of a training pass where it leaves one; else the backward pass goes forward again.
struct GatedDeltaRule : torch::autograd::Function<GatedDeltaRule> {
  /// - wants_gradients: whether anybody can ask for them.
  static variable_list forward(AutogradContext *context, const at::Tensor &query, const at::Tensor &key,
                               const at::Tensor &value, const at::Tensor &write_strength, const at::Tensor &log_decay,
                               const at::Tensor &memory, double scale, bool normalize, bool activate,
                               bool wants_gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    GatedDeltaRuleInputs x{query, key, value, write_strength, log_decay, memory, scale, normalize, activate};
    variable_list saved{query, key, value, write_strength, log_decay, memory};
    at::Tensor after = at::empty(memory.sizes(), memory.options()), out;
    if (wants_gradients && keeps_traces() && leaves_trace(x)) {
      GatedDeltaRuleTrace trace;
      out = training_pass(x, after, trace);
      saved.insert(saved.end(), {trace.back_records, trace.factors, trace.memories, trace.corrections});
    } else {
      out = forward_pass(x, after);
    }
    context->save_for_backward(std::move(saved));
    context->saved_data["scale"] = scale;
    context->saved_data["normalize"] = normalize;
    context->saved_data["activate"] = activate;
    return {out, after};
  }

  static variable_list backward(AutogradContext *context, const variable_list &incoming) {
    auto saved = context->get_saved_variables();
    GatedDeltaRuleInputs x{saved[0],
                           saved[1],
                           saved[2],
                           saved[3],
                           saved[4],
                           saved[5],
                           context->saved_data["scale"].toDouble(),
                           context->saved_data["normalize"].toBool(),
                           context->saved_data["activate"].toBool()};
    std::optional<GatedDeltaRuleTrace> trace;
    if (saved.size() > 6) trace = {saved[6], saved[7], saved[8], saved[9]};
    at::Tensor of_out = incoming[0].defined() ? incoming[0] : at::zeros_like(x.value);
    auto [query, key, value, strength, decay, memory] =
        backward_pass(x, of_out, incoming[1], trace ? &*trace : nullptr, gradient_of(x.query), gradient_of(x.key));
    return {query, key, value, strength, decay, memory, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

std::tuple<at::Tensor, at::Tensor> differentiable(const at::Tensor &query, const at::Tensor &key,
                                                  const at::Tensor &value, const at::Tensor &write_strength,
                                                  const at::Tensor &log_decay, const at::Tensor &memory, double scale,
                                                  bool normalize, bool activate) {
  bool wants_gradients = torch::autograd::compute_requires_grad(query, key, value, write_strength, log_decay, memory);
  auto results = GatedDeltaRule::apply(query, key, value, write_strength, log_decay, memory, scale, normalize, activate,
                                       wants_gradients);
  return {results[0], results[1]};
}

}  // namespace
}  // namespace jet::cuda

TORCH_LIBRARY_IMPL(jet, CUDA, m) {
  m.impl("gated_delta_rule", &jet::cuda::gated_delta_rule);
  m.impl("gated_delta_rule_backward", &jet::cuda::gated_delta_rule_backward);
  m.impl("gated_delta_rule_chunked", &jet::cuda::gated_delta_rule_chunked);
}

TORCH_LIBRARY_IMPL(jet, AutogradCUDA, m) { m.impl("gated_delta_rule", &jet::cuda::differentiable); }
