// Losses.cpp: jet_fused::relative_error with its gradient, and logit_loss, which gives its gradient beside the losses.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>

#include "Launch.h"

namespace jet::fused {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

/// mean((given − wanted)²) / (mean(wanted²) + 10⁻¹²), a float32 scalar; no gradient flows to `wanted`.
struct RelativeError : torch::autograd::Function<RelativeError> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &given, const at::Tensor &wanted) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto a = packed(given), b = packed(wanted);
    TORCH_CHECK(a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && a.numel() % 4 == 0,
                "relative_error: given ", a.sizes(), " and wanted ", b.sizes(), " do not fit");
    const int64_t blocks = std::clamp<int64_t>(a.numel() / 4096, 1, 132 * 8);
    at::Tensor parts = at::empty({blocks, 2}, a.options().dtype(at::kFloat));
    launch("squares", a, Grid{blocks, 256}, a.const_data_ptr(), b.const_data_ptr(), parts.mutable_data_ptr<float>(),
           static_cast<long long>(a.numel()));
    const at::Tensor sums = parts.sum(0);
    const at::Tensor size = sums.select(0, 1) + 1e-12 * static_cast<double>(a.numel());
    context->save_for_backward({a, b, size});
    return sums.select(0, 0) / size;
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto saved = context->get_saved_variables();
    const auto &a = saved[0];
    const at::Tensor factor = given[0] * 2 / saved[2];
    at::Tensor da = at::empty(a.sizes(), a.options());
    launch("scaled_difference", a, threads_for(a.numel() / 4), a.const_data_ptr(), saved[1].const_data_ptr(),
           numbers<float>(factor), da.mutable_data_ptr(), static_cast<long long>(a.numel()));
    return {da, Variable()};
  }
};

at::Tensor relative_error(const at::Tensor &given, const at::Tensor &wanted) {
  return RelativeError::apply(given, wanted);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> logit_loss(const at::Tensor &logits_any,
                                                          const std::optional<at::Tensor> &wanted_any,
                                                          const at::Tensor &targets, const at::Tensor &entropy_weight,
                                                          double divergence_weight, double temperature) {
  const auto logits = packed(logits_any);
  const bool has_teacher = wanted_any && wanted_any->defined();
  const auto wanted = has_teacher ? packed(*wanted_any) : logits;
  const int64_t rows = logits.size(0), width = logits.size(1);
  TORCH_CHECK(logits.dim() == 2 && width % 4 == 0 && wanted.sizes() == logits.sizes() &&
                  wanted.scalar_type() == logits.scalar_type() && targets.is_contiguous() && targets.numel() == rows &&
                  targets.scalar_type() == at::kLong,
              "logit_loss: logits ", logits.sizes(), ", wanted ", wanted.sizes(), " and targets ", targets.sizes(),
              " do not fit");
  const auto wide = logits.options().dtype(at::kFloat);
  at::Tensor entropies = at::empty({rows}, wide), divergences = at::empty({rows}, wide);
  at::Tensor gradient = at::empty(logits.sizes(), logits.options());
  launch("logit_loss", logits, Grid{rows, 512}, logits.const_data_ptr(),
         has_teacher ? wanted.const_data_ptr() : nullptr, numbers<long long>(targets), numbers<float>(entropy_weight),
         static_cast<float>(has_teacher ? divergence_weight : 0), static_cast<float>(temperature),
         entropies.mutable_data_ptr<float>(), divergences.mutable_data_ptr<float>(), gradient.mutable_data_ptr(),
         static_cast<int>(width));
  return {entropies, divergences, gradient};
}

}  // namespace
}  // namespace jet::fused

TORCH_LIBRARY_IMPL(jet_fused, AutogradCUDA, m) { m.impl("relative_error", &jet::fused::relative_error); }
TORCH_LIBRARY_IMPL(jet_fused, CUDA, m) { m.impl("logit_loss", &jet::fused::logit_loss); }
