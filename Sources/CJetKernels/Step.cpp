// Step.cpp: the step operators. Each is a chain of stages, half a layer each, that one parallel region
// runs from end to end: between stages the threads meet at a barrier and fetch the next weights while
// they wait, so that memory is never idle for as long as a call takes.

#include <ATen/Parallel.h>
#include <ATen/core/List.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include <cmath>
#include <limits>
#include <vector>

#include "Isa.h"
#include "StepArguments.h"
#include "Team.h"

#define JET_KERNEL_BODY "StepKernel.inc"
#include "EachIsa.inc"

namespace jet {

StageInput stage_input(const char *operation, const at::Tensor &x, const std::optional<at::Tensor> &norm, double eps) {
  check_activations(operation, x);
  return {x.size(0),
          x.size(1),
          x.scalar_type() == at::kBFloat16,
          x.const_data_ptr(),
          checked_values(operation, "norm", norm, x.size(1)),
          static_cast<float>(eps)};
}

StageInput StageInput::block(int64_t first, int64_t count) const {
  StageInput block = *this;
  block.sequences = count;
  block.x = advanced(x, first * width, bytes());
  return block;
}

namespace {

/// Runs the stages for at most step_sequences sequences at a time.
void run_stages(const std::vector<Stage> &stages, int64_t sequences) {
  std::vector<Stage> block;
  for (int64_t first = 0; first < sequences; first += step_sequences) {
    int64_t count = std::min(step_sequences, sequences - first);
    block.clear();
    for (const Stage &stage : stages)
      block.push_back(std::visit([&](auto &each) { return Stage(each.block(first, count)); }, stage));
    JET_DISPATCH(step_kernel, block.data(), block.data() + block.size());
  }
}

at::Tensor head_step(const at::Tensor &x, const std::optional<at::Tensor> &norm, double eps, const at::Tensor &weight,
                     const std::optional<at::Tensor> &bias) {
  HeadStage stage = head_stage("head_step", x, norm, eps, weight, bias);
  at::Tensor out = at::empty({x.size(0), stage.vocabulary}, x.options().dtype(at::kFloat));
  stage.out = out.mutable_data_ptr<float>();
  run_stages({Stage(stage)}, x.size(0));
  return out;
}

/// The arguments of layers_step, read one after the other.
class LayerReader {
 public:
  LayerReader(const at::Tensor &x, at::IntArrayRef kinds, at::IntArrayRef ints, at::ArrayRef<double> reals,
              const c10::List<std::optional<at::Tensor>> &tensors)
      : x_(x), kinds_(kinds), ints_(ints), reals_(reals) {
    tensors_.reserve(tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) tensors_.push_back(tensors.get(i));
  }

  std::vector<Stage> stages() {
    std::vector<Stage> stages;
    for (int64_t kind : kinds_) stages.push_back(stage(kind));
    TORCH_CHECK(next_tensor_ == tensors_.size() && next_real_ == reals_.size() && next_int_ == ints_.size(), operation,
                ": ", tensors_.size(), " tensors, ", reals_.size(), " numbers and ", ints_.size(),
                " whole numbers were given; expected ", next_tensor_, ", ", next_real_, " and ", next_int_, ".");
    return stages;
  }

 private:
  static constexpr const char *operation = "layers_step";

  const std::optional<at::Tensor> &optional_tensor() {
    TORCH_CHECK(next_tensor_ < tensors_.size(), operation, ": more than the ", tensors_.size(),
                " tensors that were given are needed.");
    return tensors_[next_tensor_++];
  }

  const at::Tensor &tensor() {
    const std::optional<at::Tensor> &found = optional_tensor();
    TORCH_CHECK(found, operation, ": tensor ", next_tensor_ - 1, " is none.");
    return *found;
  }

  double real() {
    TORCH_CHECK(next_real_ < reals_.size(), operation, ": more than the ", reals_.size(),
                " numbers that were given are needed.");
    return reals_[next_real_++];
  }

  int64_t whole() {
    TORCH_CHECK(next_int_ < ints_.size(), operation, ": more than the ", ints_.size(),
                " whole numbers that were given are needed.");
    return ints_[next_int_++];
  }

  Stage stage(int64_t kind) {
    const at::Tensor &norm = tensor();
    double eps = real();
    switch (kind) {
      case 0: {
        const at::Tensor &gate_up = tensor();
        return mlp_stage(operation, x_, norm, eps, gate_up, tensor());
      }
      case 1: {
        const at::Tensor &qkv = tensor();
        const std::optional<at::Tensor> &bias = optional_tensor();
        const std::optional<at::Tensor> &q_norm = optional_tensor();
        const std::optional<at::Tensor> &k_norm = optional_tensor();
        const at::Tensor &cos = tensor();
        const at::Tensor &sin = tensor();
        const at::Tensor &keys = tensor();
        const at::Tensor &values = tensor();
        const at::Tensor &pages = tensor();
        const at::Tensor &positions = tensor();
        const at::Tensor &output = tensor();
        int64_t heads = whole();
        bool ring = whole() != 0;
        return attention_stage(operation, x_, norm, eps, qkv, bias, q_norm, k_norm, cos, sin, keys, values, pages,
                               positions, ring, output, heads, real());
      }
      case 2: {
        const at::Tensor &input = tensor();
        const at::Tensor &generator = tensor();
        const at::Tensor &generator_bias = tensor();
        const at::Tensor &a_log = tensor();
        const at::Tensor &dt_bias = tensor();
        const at::Tensor &window = tensor();
        const at::Tensor &memory = tensor();
        const at::Tensor &slots = tensor();
        const at::Tensor &output_norm = tensor();
        const at::Tensor &output = tensor();
        return jet_block_stage(operation, x_, norm, eps, input, generator, generator_bias, a_log, dt_bias, window,
                               memory, slots, output_norm, real(), output, whole());
      }
      default:
        TORCH_CHECK(false, operation, ": a stage is of kind ", kind,
                    "; expected 0 (MLP), 1 (attention) or 2 (JetBlock).");
    }
  }

  const at::Tensor &x_;
  at::IntArrayRef kinds_;
  at::IntArrayRef ints_;
  at::ArrayRef<double> reals_;
  std::vector<std::optional<at::Tensor>> tensors_;
  size_t next_tensor_ = 0;
  size_t next_real_ = 0;
  size_t next_int_ = 0;
};

at::Tensor layers_step(const at::Tensor &x, at::IntArrayRef kinds, at::IntArrayRef ints, at::ArrayRef<double> reals,
                       const c10::List<std::optional<at::Tensor>> &tensors) {
  std::vector<Stage> stages = LayerReader(x, kinds, ints, reals, tensors).stages();
  TORCH_CHECK(!stages.empty(), "layers_step: there are no stages.");
  at::Tensor out = at::empty_like(x);
  at::Tensor other = at::empty_like(x);
  const void *from = x.const_data_ptr();
  for (size_t i = 0; i < stages.size(); ++i) {
    // The last stage writes to `out`, and no stage to what it reads.
    at::Tensor &to = (stages.size() - i) % 2 == 1 ? out : other;
    std::visit(
        [&](auto &stage) {
          stage.input.x = from;
          if constexpr (!std::is_same_v<std::decay_t<decltype(stage)>, HeadStage>) stage.out = to.mutable_data_ptr();
        },
        stages[i]);
    from = to.const_data_ptr();
  }
  run_stages(stages, x.size(0));
  return out;
}

}  // namespace
}  // namespace jet

TORCH_LIBRARY_IMPL(jet, CPU, m) {
  m.impl("head_step", &jet::head_step);
  m.impl("layers_step", &jet::layers_step);
}
