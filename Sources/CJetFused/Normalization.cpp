// Normalization.cpp: jet_fused::rms_norm, add_rms_norm and gated_rms_norm with their gradients; see
// Normalization.cu.inc for the formulas. x and residual [..., W] and weight [W] are of one type; W is a multiple of 4.
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

constexpr int64_t narrow_width = 64, middle_width = 640, widest = 2048;

struct Forward {
  at::Tensor sum, y;
};

Forward forward(const char *name, const at::Tensor &x_any, const at::Tensor &other_any, const at::Tensor &weight,
                double eps) {
  const auto x = packed(x_any);
  const int64_t width = x.size(-1), rows = x.numel() / std::max<int64_t>(width, 1);
  TORCH_CHECK(width % 4 == 0 && weight.is_contiguous() && weight.numel() == width, name, ": rows of ", width,
              " and a weight of ", weight.sizes(), " do not fit");
  Rows layout{width, 1, static_cast<int>(width)};
  at::Tensor other = other_any.defined() ? with_rows(other_any, layout) : x;
  at::Tensor y = at::empty(x.sizes(), x.options());
  const bool adds = std::string(name) == "add_rms_norm";
  at::Tensor sum = adds ? at::empty(x.sizes(), x.options()) : y;
  const int lanes = width <= narrow_width ? 16 : 32;
  launch(std::string(name) + "_" + std::to_string(lanes), x, threads_for(rows * lanes), x.const_data_ptr(),
         other.const_data_ptr(), layout, weight.const_data_ptr(), sum.mutable_data_ptr(), y.mutable_data_ptr(),
         static_cast<long long>(rows), static_cast<int>(width), static_cast<float>(eps));
  return {sum, y};
}

struct Backward {
  at::Tensor x, gate, weight;
};

Backward backward(const at::Tensor &dy_any, const at::Tensor &x_any, const at::Tensor &gate_any,
                  const at::Tensor &weight, double eps) {
  const auto x = packed(x_any), dy = packed(dy_any);
  const int64_t width = x.size(-1), rows = x.numel() / std::max<int64_t>(width, 1);
  const bool gated = gate_any.defined();
  TORCH_CHECK(width <= (gated ? middle_width : widest), "gradients of a norm of rows of ", width,
              " numbers are not there");
  Rows layout{width, 1, static_cast<int>(width)};
  at::Tensor gate = gated ? with_rows(gate_any, layout) : x;
  at::Tensor dx = at::empty(x.sizes(), x.options());
  at::Tensor dgate = gated ? at::empty(x.sizes(), x.options()) : dx;
  const int lanes = width <= narrow_width ? 16 : 32, threads = width > middle_width ? 128 : 256;
  const int groups = threads / lanes;
  // Few blocks, each with many rows, so that the sums for the weight are short.
  const int64_t blocks = std::min<int64_t>((rows + groups - 1) / groups, 132 * 8);
  at::Tensor parts = at::empty({blocks, width}, x.options().dtype(at::kFloat));
  const std::string form = width > middle_width ? "wide" : std::to_string(lanes);
  launch((gated ? "gated_rms_norm_backward_" : "rms_norm_backward_") + form, x,
         Grid{blocks, threads, static_cast<int>(groups * width * sizeof(float))}, dy.const_data_ptr(),
         x.const_data_ptr(), gate.const_data_ptr(), layout, weight.const_data_ptr(), dx.mutable_data_ptr(),
         dgate.mutable_data_ptr(), parts.mutable_data_ptr<float>(), static_cast<long long>(rows),
         static_cast<int>(width), static_cast<float>(eps));
  return {dx, gated ? dgate : at::Tensor(), parts.sum(0).to(weight.scalar_type())};
}

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight, double eps) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->save_for_backward({x, weight});
    context->saved_data["eps"] = eps;
    return fused::forward("rms_norm", x, {}, weight, eps).y;
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto saved = context->get_saved_variables();
    auto found = fused::backward(given[0], saved[0], {}, saved[1], context->saved_data["eps"].toDouble());
    return {found.x, found.weight, Variable()};
  }
};

struct AddRmsNorm : torch::autograd::Function<AddRmsNorm> {
  static variable_list forward(AutogradContext *context, const at::Tensor &residual, const at::Tensor &x,
                               const at::Tensor &weight, double eps) {
    at::AutoDispatchBelowADInplaceOrView guard;
    auto made = fused::forward("add_rms_norm", x, residual, weight, eps);
    context->save_for_backward({made.sum, weight});
    context->saved_data["eps"] = eps;
    return {made.sum, made.y};
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto saved = context->get_saved_variables();
    at::Tensor both = given[0], weight;
    if (given[1].defined()) {
      auto found = fused::backward(given[1], saved[0], {}, saved[1], context->saved_data["eps"].toDouble());
      both = both.defined() ? both + found.x : found.x;
      weight = found.weight;
    }
    return {both, both, weight, Variable()};
  }
};

struct GatedRmsNorm : torch::autograd::Function<GatedRmsNorm> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &gate,
                            const at::Tensor &weight, double eps) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->save_for_backward({x, gate, weight});
    context->saved_data["eps"] = eps;
    return fused::forward("gated_rms_norm", x, gate, weight, eps).y;
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto saved = context->get_saved_variables();
    auto found = fused::backward(given[0], saved[0], saved[1], saved[2], context->saved_data["eps"].toDouble());
    return {found.x, found.gate, found.weight, Variable()};
  }
};

at::Tensor rms_norm(const at::Tensor &x, const at::Tensor &weight, double eps) {
  return RmsNorm::apply(x, weight, eps);
}

std::tuple<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor &residual, const at::Tensor &x,
                                                const at::Tensor &weight, double eps) {
  auto both = AddRmsNorm::apply(residual, x, weight, eps);
  return {both[0], both[1]};
}

at::Tensor gated_rms_norm(const at::Tensor &x, const at::Tensor &gate, const at::Tensor &weight, double eps) {
  return GatedRmsNorm::apply(x, gate, weight, eps);
}

}  // namespace
}  // namespace jet::fused

TORCH_LIBRARY_IMPL(jet_fused, AutogradCUDA, m) {
  m.impl("rms_norm", &jet::fused::rms_norm);
  m.impl("add_rms_norm", &jet::fused::add_rms_norm);
  m.impl("gated_rms_norm", &jet::fused::gated_rms_norm);
}
