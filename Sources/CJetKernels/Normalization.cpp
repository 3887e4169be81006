// Normalization.cpp: jet::rms_norm, jet::add_rms_norm and jet::gated_rms_norm.
//
//     y = x / sqrt(mean(x²) + eps) * weight                    (rms_norm)
//     s = residual + x, rounded to its dtype; y = rms_norm(s)  (add_rms_norm)
//     y = x / sqrt(mean(x²) + eps) * weight * silu(gate)       (gated_rms_norm)
//
// Over the last dimension, in float32, rounded once. Shapes: x, residual and gate [..., W] of one
// dtype, any strides; weight [W] float32 or bfloat16; results contiguous.
// Source: Zhang and Sennrich 2019, arXiv:1910.07467.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <tuple>

#include "Arguments.h"
#include "Isa.h"
#include "RowView.h"
#include "Team.h"

namespace jet {
namespace {

struct NormArguments {
  bool half;
  RowView rows;
  const void *x;
  /// The gate or the residual, and its rows.
  const void *other;
  RowView other_rows;
  Values weight;
  float eps;
  void *sum;
  void *out;
};

}  // namespace
}  // namespace jet

#define JET_KERNEL_BODY "NormalizationKernel.inc"
#include "EachIsa.inc"

namespace jet {
namespace {

at::Tensor empty_like_rows(const at::Tensor &x) { return at::empty(x.sizes(), x.options()); }

/// What the three operators have in common; `other` may be undefined.
NormArguments norm_arguments(const char *operation, const at::Tensor &x, const at::Tensor &other,
                             const char *other_name, const at::Tensor &weight, double eps) {
  RowView rows = rows_of(x);
  NormArguments arguments{x.scalar_type() == at::kBFloat16,
                          rows,
                          x.const_data_ptr(),
                          nullptr,
                          rows,
                          checked_values(operation, "weight", weight, rows.width),
                          static_cast<float>(eps),
                          nullptr,
                          nullptr};
  if (other.defined()) {
    TORCH_CHECK(other.sizes() == x.sizes() && other.scalar_type() == x.scalar_type(), operation, ": ", other_name,
                " is ", other.toString(), " ", other.sizes(), " beside x, ", x.toString(), " ", x.sizes(),
                "; expected the same shape and type.");
    arguments.other = other.const_data_ptr();
    arguments.other_rows = rows_of(other);
  }
  return arguments;
}

}  // namespace

at::Tensor rms_norm(const at::Tensor &x, const at::Tensor &weight, double eps) {
  at::Tensor rows = with_rows("rms_norm", "x", x);
  at::Tensor out = empty_like_rows(rows);
  NormArguments arguments = norm_arguments("rms_norm", rows, {}, "", weight, eps);
  arguments.out = out.mutable_data_ptr();
  if (out.numel() > 0) JET_DISPATCH(norm_kernel, arguments);
  return out;
}

std::tuple<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor &residual, const at::Tensor &x,
                                                const at::Tensor &weight, double eps) {
  at::Tensor rows = with_rows("add_rms_norm", "x", x);
  at::Tensor others = with_rows("add_rms_norm", "residual", residual);
  at::Tensor sum = empty_like_rows(rows);
  at::Tensor out = empty_like_rows(rows);
  NormArguments arguments = norm_arguments("add_rms_norm", rows, others, "residual", weight, eps);
  arguments.sum = sum.mutable_data_ptr();
  arguments.out = out.mutable_data_ptr();
  if (out.numel() > 0) JET_DISPATCH(add_norm_kernel, arguments);
  return {sum, out};
}

at::Tensor gated_rms_norm(const at::Tensor &x, const at::Tensor &gate, const at::Tensor &weight, double eps) {
  at::Tensor rows = with_rows("gated_rms_norm", "x", x);
  at::Tensor gates = with_rows("gated_rms_norm", "gate", gate);
  at::Tensor out = empty_like_rows(rows);
  NormArguments arguments = norm_arguments("gated_rms_norm", rows, gates, "gate", weight, eps);
  arguments.out = out.mutable_data_ptr();
  if (out.numel() > 0) JET_DISPATCH(gated_norm_kernel, arguments);
  return out;
}

}  // namespace jet

TORCH_LIBRARY_IMPL(jet, CPU, m) {
  m.impl("rms_norm", &jet::rms_norm);
  m.impl("add_rms_norm", &jet::add_rms_norm);
  m.impl("gated_rms_norm", &jet::gated_rms_norm);
}
