// HeadStep.cpp: jet::head_step, `weight · (rms(x) * norm) + bias`, the logits in float32.
//
// Shapes: x [N, D], norm [D], weight [vocabulary, D], bias [vocabulary], result float32
// [N, vocabulary]; x and weight float32 or bfloat16. Without `norm`, x is taken as it is.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "Arguments.h"
#include "Isa.h"
#include "Step.h"
#include "Team.h"

namespace jet {
namespace {

struct HeadStepSizes {
  int64_t sequences;
  int64_t width;
  int64_t vocabulary;
};

struct HeadStepArguments {
  HeadStepSizes sizes;
  bool half;
  const void *x;
  Values norm;
  float eps;
  const void *weight;
  Values bias;
  float *out;
};

}  // namespace
}  // namespace jet

#define JET_KERNEL_BODY "HeadStepKernel.inc"
#include "EachIsa.inc"

namespace jet {

at::Tensor head_step(const at::Tensor &x, const std::optional<at::Tensor> &norm, double eps,
                     const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
  check_activations("head_step", x);
  int64_t sequences = x.size(0);
  int64_t width = x.size(1);
  int64_t vocabulary = weight.dim() == 2 ? weight.size(0) : 0;
  check_tensor("head_step", "weight", weight, x.scalar_type(), {vocabulary, width});
  at::Tensor out = at::empty({sequences, vocabulary}, x.options().dtype(at::kFloat));
  HeadStepArguments arguments{{sequences, width, vocabulary},
                              x.scalar_type() == at::kBFloat16,
                              x.const_data_ptr(),
                              checked_values("head_step", "norm", norm, width),
                              static_cast<float>(eps),
                              weight.const_data_ptr(),
                              checked_values("head_step", "bias", bias, vocabulary),
                              out.mutable_data_ptr<float>()};
  for_each_block(sequences, [&](int64_t first, int64_t count) {
    HeadStepArguments block = arguments;
    block.sizes.sequences = count;
    block.x = static_cast<const char *>(arguments.x) + first * width * x.element_size();
    block.out = arguments.out + first * vocabulary;
    JET_DISPATCH(head_step_kernel, block);
  });
  return out;
}

}  // namespace jet

TORCH_LIBRARY_IMPL(jet, CPU, m) { m.impl("head_step", &jet::head_step); }
