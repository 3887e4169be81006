// DecayGates.cpp: jet_fused::decay_gates with its gradient; see DecayGates.cu.inc for the formulas. decay and write
// [..., H] and log_rate and step_bias [H] are of one type, H at most 256; both results are float32.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "ColumnSums.h"
#include "Launch.h"

namespace jet::fused {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

struct DecayGates : torch::autograd::Function<DecayGates> {
  static variable_list forward(AutogradContext *context, const at::Tensor &decay, const at::Tensor &write,
                               const at::Tensor &log_rate, const at::Tensor &step_bias) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const int64_t heads = log_rate.numel();
    TORCH_CHECK(decay.dim() >= 1 && decay.size(-1) == heads && write.sizes() == decay.sizes() &&
                    step_bias.sizes() == log_rate.sizes() && heads >= 1 && heads <= 256,
                "decay_gates: decay ", decay.sizes(), ", write ", write.sizes(), ", rates ", log_rate.sizes(),
                " and biases ", step_bias.sizes(), " do not fit");
    const auto a = as_matrix(decay), b = as_matrix(write), rate = log_rate.contiguous(), bias = step_bias.contiguous();
    const auto floats = decay.options().dtype(at::kFloat);
    at::Tensor strength = at::empty(decay.sizes(), floats), log_decay = at::empty(decay.sizes(), floats);
    launch("decay_gates", a, threads_for(a.numel()), a.const_data_ptr(), pitch(a), b.const_data_ptr(), pitch(b),
           rate.const_data_ptr(), bias.const_data_ptr(), strength.mutable_data_ptr<float>(),
           log_decay.mutable_data_ptr<float>(), static_cast<long long>(a.size(0)), static_cast<int>(heads));
    context->save_for_backward({decay, write, rate, bias});
    context->set_materialize_grads(false);
    return {strength, log_decay};
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto saved = context->get_saved_variables();
    const auto a = as_matrix(saved[0]), b = as_matrix(saved[1]);
    const int64_t tokens = a.size(0), heads = a.size(1), groups = 256 / heads;
    const auto of_strength = given[0].defined() ? given[0].contiguous() : at::Tensor();
    const auto of_decay = given[1].defined() ? given[1].contiguous() : at::Tensor();
    at::Tensor da = at::empty(saved[0].sizes(), a.options()), db = at::empty(saved[0].sizes(), a.options());
    const Grid grid = resident("decay_gates_backward", a, {(tokens + groups - 1) / groups, 256});
    at::Tensor parts = at::empty({grid.blocks, 2 * heads}, a.options().dtype(at::kFloat));
    launch("decay_gates_backward", a, grid, of_strength.defined() ? numbers<float>(of_strength) : nullptr,
           of_decay.defined() ? numbers<float>(of_decay) : nullptr, a.const_data_ptr(), pitch(a), b.const_data_ptr(),
           pitch(b), saved[2].const_data_ptr(), saved[3].const_data_ptr(), da.mutable_data_ptr(), db.mutable_data_ptr(),
           parts.mutable_data_ptr<float>(), static_cast<long long>(tokens), static_cast<int>(heads));
    const auto sums = column_sums(parts, a.scalar_type()).view({2, heads});
    return {da, db, sums[0], sums[1]};
  }
};

std::tuple<at::Tensor, at::Tensor> decay_gates(const at::Tensor &decay, const at::Tensor &write,
                                               const at::Tensor &log_rate, const at::Tensor &step_bias) {
  auto both = DecayGates::apply(decay, write, log_rate, step_bias);
  return {both[0], both[1]};
}

}  // namespace
}  // namespace jet::fused

TORCH_LIBRARY_IMPL(jet_fused, AutogradCUDA, m) { m.impl("decay_gates", &jet::fused::decay_gates); }
