// DecayTriangle.cpp: jet_fused::decay_triangle with its gradient; see DecayTriangle.cu.inc. sums [..., C] is float64,
// the result [..., C, C] bfloat16 where it is to be narrow, else float32.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "Launch.h"

namespace jet::fused {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

struct DecayTriangle : torch::autograd::Function<DecayTriangle> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &any, bool narrow) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto sums = any.contiguous();
    const int64_t size = sums.size(-1);
    // The gradient holds a triangle in shared memory.
    TORCH_CHECK(sums.scalar_type() == at::kDouble && size >= 1 && size <= 104, "decay_triangle: sums ", sums.sizes(),
                " of ", sums.scalar_type(), " do not fit");
    auto shape = sums.sizes().vec();
    shape.push_back(size);
    at::Tensor y = at::empty(shape, sums.options().dtype(narrow ? at::kBFloat16 : at::kFloat));
    launch("decay_triangle", y, Grid{sums.numel() / size, 256}, numbers<double>(sums), y.mutable_data_ptr(),
           static_cast<int>(size));
    context->save_for_backward({y});
    return y;
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto y = context->get_saved_variables()[0];
    const auto dy = given[0].contiguous();
    auto shape = y.sizes().vec();
    shape.pop_back();
    const int64_t size = shape.back();
    at::Tensor dsums = at::empty(shape, y.options().dtype(at::kDouble));
    launch("decay_triangle_backward", y,
           Grid{dsums.numel() / size, 256, static_cast<int>(size * (size + 1) * sizeof(float))}, dy.const_data_ptr(),
           y.const_data_ptr(), static_cast<double *>(dsums.mutable_data_ptr()), static_cast<int>(size));
    return {dsums, Variable()};
  }
};

at::Tensor decay_triangle(const at::Tensor &sums, bool narrow) { return DecayTriangle::apply(sums, narrow); }

}  // namespace
}  // namespace jet::fused

TORCH_LIBRARY_IMPL(jet_fused, AutogradCUDA, m) { m.impl("decay_triangle", &jet::fused::decay_triangle); }
