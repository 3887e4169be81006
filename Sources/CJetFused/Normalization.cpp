// Normalization.cpp: jet_fused::rms_norm, add_rms_norm and gated_rms_norm with their gradients; see
// Normalization.cu.inc for the formulas. x, residual and gate [..., W] and weight [W] are of one type; W is a multiple
// of 4, 2,048 at most.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <initializer_list>

#include "ColumnSums.h"
#include "Launch.h"
#include "Pieces.h"

namespace jet::fused {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr int64_t widest = 2048;

/// How rows of `width` are worked on: by which form of a kernel, in blocks of how many threads and rows.
struct Form {
  std::string name;
  int threads, groups;

  Form(const char *operation, int64_t width) {
    TORCH_CHECK(width % 4 == 0 && width <= widest, operation, ": rows of ", width, " numbers do not fit");
    const int lanes = width <= 64 ? 8 : width <= 256 ? 32 : 256;
    name = std::string(operation) + "_" + std::to_string(lanes);
    // A lane has eight numbers.
    threads = lanes == 256 ? static_cast<int>((width + 255) / 256 * 32) : 128;
    groups = lanes == 256 ? 1 : threads / lanes;
  }

  Grid grid(const at::Tensor &x, int64_t rows, int64_t shared_bytes = 0) const {
    TORCH_CHECK(rows < int64_t(1) << 30, name, ": ", rows, " rows are too many");
    return resident(name, x, {(rows + groups - 1) / groups, threads, static_cast<int>(shared_bytes)});
  }
};

/// Whether rows can be read and written in eights.
bool is_even(int64_t width, const Rows &layout, std::initializer_list<at::Tensor> tensors) {
  return width % 8 == 0 && layout.pitch % 8 == 0 && std::all_of(tensors.begin(), tensors.end(), [](const auto &x) {
           return reinterpret_cast<uintptr_t>(x.const_data_ptr()) % 16 == 0;
         });
}

struct Forward {
  at::Tensor sum, y;
};

/// The norm of `x`, with a gate or a residual as `other` or with none.
Forward forward(const char *name, const at::Tensor &x_any, const at::Tensor &other_any, const at::Tensor &weight_any,
                double eps) {
  const auto x = packed(x_any), weight = packed(weight_any);
  const int64_t width = x.size(-1), rows = x.numel() / std::max<int64_t>(width, 1);
  const bool gated = std::string(name) == "gated_rms_norm";
  TORCH_CHECK(weight.numel() == width && (!other_any.defined() || other_any.sizes() == x.sizes()), name, ": rows of ",
              x.sizes(), " and a weight of ", weight.sizes(), " do not fit");
  Rows layout{width, 1, static_cast<int>(width)};
  const auto other = other_any.defined() ? with_rows(other_any, layout) : x;
  at::Tensor y = at::empty(x.sizes(), x.options());
  at::Tensor sum = other_any.defined() && !gated ? at::empty(x.sizes(), x.options()) : y;
  const Form form(name, width);
  launch(form.name, x, form.grid(x, rows), x.const_data_ptr(), other_any.defined() ? other.const_data_ptr() : nullptr,
         layout, weight.const_data_ptr(), sum.mutable_data_ptr(), y.mutable_data_ptr(), static_cast<int>(rows),
         static_cast<int>(width), static_cast<float>(eps), is_even(width, layout, {x, other, weight, sum, y}));
  return {sum, y};
}

struct Backward {
  at::Tensor x, gate, weight;
};

/// The gradients of a norm, gated where `gate_any` is defined; to that of `x` comes `added_any`, where it is defined.
Backward backward(const at::Tensor &dy_any, const at::Tensor &x_any, const at::Tensor &gate_any,
                  const at::Tensor &added_any, const at::Tensor &weight_any, double eps) {
  const auto x = packed(x_any), dy = packed(dy_any), weight = packed(weight_any);
  const int64_t width = x.size(-1), rows = x.numel() / std::max<int64_t>(width, 1);
  const bool gated = gate_any.defined(), has_other = gated || added_any.defined();
  Rows layout{width, 1, static_cast<int>(width)};
  const auto other = has_other ? with_rows(gated ? gate_any : added_any, layout) : x;
  at::Tensor dx = at::empty(x.sizes(), x.options());
  Rows gate_layout = layout;
  at::Tensor dgate = gated ? gradient_in_place(gate_any, gate_layout) : dx;
  const Form form(gated ? "gated_rms_norm_backward" : "rms_norm_backward", width);
  const Grid grid = form.grid(x, rows, form.groups * width * sizeof(float));
  at::Tensor parts = at::empty({grid.blocks, width}, x.options().dtype(at::kFloat));
  launch(form.name, x, grid, dy.const_data_ptr(), x.const_data_ptr(), has_other ? other.const_data_ptr() : nullptr,
         layout, weight.const_data_ptr(), dx.mutable_data_ptr(), dgate.mutable_data_ptr(), gate_layout,
         parts.mutable_data_ptr<float>(), static_cast<int>(rows), static_cast<int>(width), static_cast<float>(eps),
         is_even(width, layout, {dy, x, other, weight, dx, dgate}) && gate_layout.pitch % 8 == 0);
  return {dx, gated ? dgate : at::Tensor(), column_sums(parts, weight.scalar_type()).view(weight.sizes())};
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
    auto found = fused::backward(given[0], saved[0], {}, {}, saved[1], context->saved_data["eps"].toDouble());
    return {found.x, found.weight, Variable()};
  }
};

struct AddRmsNorm : torch::autograd::Function<AddRmsNorm> {
  static variable_list forward(AutogradContext *context, const at::Tensor &residual, const at::Tensor &x,
                               const at::Tensor &weight, double eps) {
    at::AutoDispatchBelowADInplaceOrView guard;
    auto made = fused::forward("rms_norm", x, residual, weight, eps);
    context->save_for_backward({made.sum, weight});
    context->set_materialize_grads(false);
    context->saved_data["eps"] = eps;
    return {made.sum, made.y};
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto saved = context->get_saved_variables();
    if (!given[1].defined()) return {given[0], given[0], Variable(), Variable()};
    auto found = fused::backward(given[1], saved[0], {}, given[0], saved[1], context->saved_data["eps"].toDouble());
    return {found.x, found.x, found.weight, Variable()};
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
    auto found = fused::backward(given[0], saved[0], saved[1], {}, saved[2], context->saved_data["eps"].toDouble());
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
