// MlpStep.cpp: the stage of a gated MLP, `x + down · (silu(g) * u)` with `g, u = gate_up · (rms(x) * norm)`.
//
// Shapes: x [N, D], norm [D], gate_up [2F, D] (gate rows first), down [D, F], result [N, D]; float32
// or bfloat16. Rounded to that dtype after the norm, after each projection and after the product.
// Source: Shazeer 2020, arXiv:2002.05202, SwiGLU.

#include "StepArguments.h"

namespace jet {

MlpStage mlp_stage(const char *operation, const at::Tensor &x, const at::Tensor &norm, double eps,
                   const at::Tensor &gate_up, const at::Tensor &down) {
  StageInput input = stage_input(operation, x, norm, eps);
  int64_t inner = down.dim() == 2 ? down.size(1) : 0;
  check_tensor(operation, "gate_up", gate_up, x.scalar_type(), {2 * inner, input.width});
  check_tensor(operation, "down", down, x.scalar_type(), {input.width, inner});
  return {input, inner, gate_up.const_data_ptr(), down.const_data_ptr(), nullptr};
}

MlpStage MlpStage::block(int64_t first, int64_t count) const {
  MlpStage block = *this;
  block.input = input.block(first, count);
  block.out = advanced(out, first * input.width, input.bytes());
  return block;
}

}  // namespace jet
