// MlpStep.cpp: jet::mlp_step, `x + down · (silu(g) * u)` with `g, u = gate_up · (rms(x) * norm)`.
//
// Shapes: x [N, D], norm [D], gate_up [2F, D] (gate rows first), down [D, F], result [N, D]; float32
// or bfloat16. Rounded to that dtype after the norm, after each projection and after the product.
// Source: Shazeer 2020, arXiv:2002.05202, SwiGLU.

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include "Arguments.h"
#include "Isa.h"
#include "Step.h"
#include "Team.h"

namespace jet {
namespace {

struct MlpStepSizes {
  int64_t sequences;
  int64_t width;
  int64_t inner;
};

struct MlpStepArguments {
  MlpStepSizes sizes;
  bool half;
  const void *x;
  Values norm;
  float eps;
  const void *gate_up;
  const void *down;
  void *out;
};

}  // namespace
}  // namespace jet

#define JET_KERNEL_BODY "MlpStepKernel.inc"
#include "EachIsa.inc"

namespace jet {

at::Tensor mlp_step(const at::Tensor &x, const at::Tensor &norm, double eps,
                    const at::Tensor &gate_up, const at::Tensor &down) {
  check_activations("mlp_step", x);
  int64_t sequences = x.size(0);
  int64_t width = x.size(1);
  int64_t inner = down.dim() == 2 ? down.size(1) : 0;
  check_tensor("mlp_step", "gate_up", gate_up, x.scalar_type(), {2 * inner, width});
  check_tensor("mlp_step", "down", down, x.scalar_type(), {width, inner});
  at::Tensor out = at::empty_like(x);
  MlpStepArguments arguments{{sequences, width, inner},
                             x.scalar_type() == at::kBFloat16,
                             x.const_data_ptr(),
                             checked_values("mlp_step", "norm", norm, width),
                             static_cast<float>(eps),
                             gate_up.const_data_ptr(),
                             down.const_data_ptr(),
                             out.mutable_data_ptr()};
  for_each_block(sequences, [&](int64_t first, int64_t count) {
    int64_t offset = first * width * x.element_size();
    MlpStepArguments block = arguments;
    block.sizes.sequences = count;
    block.x = static_cast<const char *>(arguments.x) + offset;
    block.out = static_cast<char *>(arguments.out) + offset;
    JET_DISPATCH(mlp_step_kernel, block);
  });
  return out;
}

}  // namespace jet

TORCH_LIBRARY_IMPL(jet, CPU, m) { m.impl("mlp_step", &jet::mlp_step); }
