// HeadStep.cpp: jet::head_step, `weight · (rms(x) * norm) + bias`, the logits in float32.
//
// Shapes: x [N, D], norm [D], weight [vocabulary, D], bias [vocabulary], result float32
// [N, vocabulary]; x and weight float32 or bfloat16. Without `norm`, x is taken as it is.

#include "StepArguments.h"

namespace jet {

HeadStage head_stage(const char *operation, const at::Tensor &x, const std::optional<at::Tensor> &norm, double eps,
                     const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
  StageInput input = stage_input(operation, x, norm, eps);
  int64_t vocabulary = weight.dim() == 2 ? weight.size(0) : 0;
  check_tensor(operation, "weight", weight, x.scalar_type(), {vocabulary, input.width});
  return {input, vocabulary, weight.const_data_ptr(), checked_values(operation, "bias", bias, vocabulary), nullptr};
}

HeadStage HeadStage::block(int64_t first, int64_t count) const {
  HeadStage block = *this;
  block.input = input.block(first, count);
  block.out = out ? out + first * vocabulary : nullptr;
  return block;
}

}  // namespace jet
