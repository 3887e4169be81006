// UnitLowerInverse.cpp: jet_fused::unit_lower_inverse with its gradient, dA = −Xᵀ dX Xᵀ below the diagonal.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "Launch.h"

namespace jet::fused {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct UnitLowerInverse : torch::autograd::Function<UnitLowerInverse> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &any) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto a = any.contiguous();
    const int64_t size = a.size(-1);
    TORCH_CHECK(a.size(-2) == size && size >= 1 && size <= 64, "unit_lower_inverse: matrices ", a.sizes(),
                " do not fit");
    at::Tensor x = at::empty(a.sizes(), a.options());
    launch("unit_lower_inverse", a, Grid{a.numel() / (size * size), 256}, a.const_data_ptr(), x.mutable_data_ptr(),
           static_cast<int>(size));
    context->save_for_backward({x});
    return x;
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto transposed = context->get_saved_variables()[0].transpose(-1, -2);
    return {at::matmul(at::matmul(transposed, given[0]), transposed).tril(-1).neg()};
  }
};

at::Tensor unit_lower_inverse(const at::Tensor &a) { return UnitLowerInverse::apply(a); }

}  // namespace
}  // namespace jet::fused

TORCH_LIBRARY_IMPL(jet_fused, AutogradCUDA, m) { m.impl("unit_lower_inverse", &jet::fused::unit_lower_inverse); }
