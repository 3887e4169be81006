// Rotary.cpp: jet::rotary, `x * cos + rotate_half(x) * sin`, pairs of channels (i, i + D/2).
//
// Shapes: x [B, T, H, D] float32 or bfloat16 with a contiguous last dimension, cos and sin float32
// [B, T, D]; result contiguous [B, T, H, D]; in float32, rounded once.
// Source: Su et al. 2021, arXiv:2104.09864.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "Arguments.h"
#include "Isa.h"
#include "RowView.h"
#include "Team.h"

namespace jet {
namespace {

struct RotaryArguments {
  bool half;
  RowView rows;
  const void *x;
  const float *cos;
  const float *sin;
  void *out;
};

}  // namespace
}  // namespace jet

#define JET_KERNEL_BODY "RotaryKernel.inc"
#include "EachIsa.inc"

namespace jet {

at::Tensor rotary(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin) {
  at::Tensor rows = with_rows("rotary", "x", x);
  TORCH_CHECK(rows.dim() == 4 && rows.size(3) % 2 == 0, "rotary: x is ", x.sizes(),
              ", expected [batch, tokens, heads, head width] with an even head width.");
  check_tensor("rotary", "cos", cos, at::kFloat, {rows.size(0), rows.size(1), rows.size(3)});
  check_tensor("rotary", "sin", sin, at::kFloat, {rows.size(0), rows.size(1), rows.size(3)});
  at::Tensor out = at::empty(rows.sizes(), rows.options());
  RotaryArguments arguments{rows.scalar_type() == at::kBFloat16,
                            rows_of(rows),
                            rows.const_data_ptr(),
                            numbers<float>(cos),
                            numbers<float>(sin),
                            out.mutable_data_ptr()};
  if (out.numel() > 0) JET_DISPATCH(rotary_kernel, arguments);
  return out;
}

}  // namespace jet

TORCH_LIBRARY_IMPL(jet, CPU, m) { m.impl("rotary", &jet::rotary); }
