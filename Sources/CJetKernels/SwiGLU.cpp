// SwiGLU.cpp: jet::swiglu, `silu(g) * u` of rows whose first half is g and whose second is u.
//
// Shapes: gate_up [..., 2F] float32 or bfloat16, result contiguous [..., F]; in float32, rounded once.
// Source: Shazeer 2020, arXiv:2002.05202.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "Isa.h"
#include "RowView.h"
#include "Team.h"

namespace jet {
namespace {

struct SwiGLUArguments {
  bool half;
  RowView rows;
  const void *gate_up;
  void *out;
};

}  // namespace
}  // namespace jet

#define JET_KERNEL_BODY "SwiGLUKernel.inc"
#include "EachIsa.inc"

namespace jet {

at::Tensor swiglu(const at::Tensor &gate_up) {
  at::Tensor rows = with_rows("swiglu", "gate_up", gate_up);
  TORCH_CHECK(rows.size(-1) % 2 == 0, "swiglu: gate_up is ", gate_up.sizes(),
              ", expected an even last dimension: a gate and as many values.");
  std::vector<int64_t> shape = rows.sizes().vec();
  shape.back() /= 2;
  at::Tensor out = at::empty(shape, rows.options());
  SwiGLUArguments arguments{rows.scalar_type() == at::kBFloat16, rows_of(rows), rows.const_data_ptr(),
                            out.mutable_data_ptr()};
  if (out.numel() > 0) JET_DISPATCH(swiglu_kernel, arguments);
  return out;
}

}  // namespace jet

TORCH_LIBRARY_IMPL(jet, CPU, m) { m.impl("swiglu", &jet::swiglu); }
