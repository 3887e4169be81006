// RecurrentStepRegistration.cpp: the CUDA implementations of jet::recurrent_step, convolution_step and
// token_shift_step, for libtorch's dispatcher. Schemas are in Sources/CJetKernels/Library.cpp.

#include <ATen/ATen.h>
#include <ATen/MemoryOverlap.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include "Checks.h"
#include "RecurrentStep.h"
#include "WindowStep.h"

namespace jet::cuda {
namespace {

using Optional = std::optional<at::Tensor>;

constexpr const char *kRecurrent = "recurrent_step";

/// [N, heads, width], the numbers of a head side by side.
HeadView checked_heads(const char *name, const at::Tensor &tensor, const at::Tensor &like, at::IntArrayRef shape) {
  check_rows(kRecurrent, name, tensor, like, shape);
  return {tensor.const_data_ptr(), tensor.stride(0), tensor.stride(1), tensor.scalar_type() == at::kBFloat16};
}

/// A number a head: [N, heads] of any strides, or [heads] for all rows.
HeadView checked_numbers(const char *name, const Optional &tensor, const at::Tensor &like, at::IntArrayRef shape) {
  TORCH_CHECK(tensor && tensor->defined(), kRecurrent, ": there is no ", name, ", which this rule needs.");
  check_dtype(kRecurrent, name, *tensor);
  TORCH_CHECK(tensor->device() == like.device() && tensor->sizes() == shape, kRecurrent, ": ", name, " is ",
              tensor->toString(), " ", tensor->sizes(), " on ", tensor->device(), ", expected ", shape, " on ",
              like.device(), ".");
  return {tensor->const_data_ptr(), shape.size() == 1 ? 0 : tensor->stride(0), tensor->stride(-1),
          tensor->scalar_type() == at::kBFloat16};
}

/// What the rule takes beside query, key and value.
void take_gates(RecurrentStepCall &call, const at::Tensor &value, const Optional &decay, const Optional &log_rate,
                const Optional &step_bias, const Optional &write, const Optional &recall, const Optional &rewrite) {
  int64_t rows = call.rows, heads = call.heads, key_width = call.key_width;
  bool has_decay = decay && decay->defined();
  if (call.rule == kRetention || call.rule == kGeneralized) {
    TORCH_CHECK(has_decay, kRecurrent, ": there is no decay, which this rule needs.");
    call.channel_decay = call.rule == kGeneralized || decay->dim() == 3;
    call.decay = call.channel_decay ? checked_heads("decay", *decay, value, {rows, heads, key_width})
                                    : checked_numbers("decay", decay, value, {rows, heads});
  } else if (has_decay || call.rule == kStateSpace) {
    call.decay = checked_numbers("decay", decay, value, {rows, heads});
    call.log_rate = checked_numbers("a_log", log_rate, value, {heads});
    call.step_bias = checked_numbers("dt_bias", step_bias, value, {heads});
  }
  if (call.rule == kDelta) call.write = checked_numbers("write", write, value, {rows, heads});
  if (call.rule == kGeneralized) {
    TORCH_CHECK(recall && recall->defined() && rewrite && rewrite->defined(), kRecurrent,
                ": there is no recall or no rewrite key, which this rule needs.");
    call.recall = checked_heads("recall", *recall, value, {rows, heads, key_width});
    call.rewrite = checked_heads("rewrite", *rewrite, value, {rows, heads, key_width});
  }
}

at::Tensor recurrent(int64_t rule, const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                     const Optional &decay, const Optional &log_rate, const Optional &step_bias, const Optional &write,
                     const Optional &recall, const Optional &rewrite, double scale, const at::Tensor &memory,
                     const at::Tensor &slots) {
  c10::cuda::CUDAGuard guard(value.device());
  TORCH_CHECK(rule >= kRetention && rule <= kGeneralized, kRecurrent, ": the rule is ", rule, ", expected 0 to 3.");
  TORCH_CHECK(query.dim() == 3 && value.dim() == 3 && memory.dim() == 4 && memory.numel() > 0, kRecurrent,
              ": query is ", query.sizes(), ", value ", value.sizes(), " and memory ", memory.sizes(),
              ", expected [rows, key heads, key width], [rows, heads, value width] and [slots, heads, key width, value "
              "width], not empty.");
  int64_t rows = value.size(0), count = memory.size(0), heads = memory.size(1), key_heads = query.size(1);
  int64_t key_width = memory.size(2), value_width = memory.size(3);
  TORCH_CHECK(key_heads > 0 && heads % key_heads == 0, kRecurrent, ": query is ", query.sizes(), " and memory ",
              memory.sizes(), ", expected key heads that divide the heads.");
  TORCH_CHECK(key_width <= kMostRecurrentKey && rows <= kMostRecurrentGrid && heads <= kMostRecurrentGrid &&
                  value_width < (int64_t(1) << 30) && count < (int64_t(1) << 31),
              kRecurrent, ": value is ", value.sizes(), " and memory ", memory.sizes(),
              ", expected a key width of at most ", kMostRecurrentKey, ", and at most ", kMostRecurrentGrid,
              " rows and heads.");
  RecurrentStepCall call{};
  call.rule = static_cast<RecurrentRule>(rule);
  call.rows = static_cast<int>(rows);
  call.heads = static_cast<int>(heads);
  call.key_heads = static_cast<int>(key_heads);
  call.key_width = static_cast<int>(key_width);
  call.value_width = static_cast<int>(value_width);
  call.slot_count = static_cast<int>(count);
  call.query = checked_heads("query", query, value, {rows, key_heads, key_width});
  call.key = checked_heads("key", key, value, {rows, key_heads, key_width});
  call.value = checked_heads("value", value, value, {rows, heads, value_width});
  take_gates(call, value, decay, log_rate, step_bias, write, recall, rewrite);
  check_tensor(kRecurrent, "memory", memory, value, at::kFloat, memory.sizes());
  check_tensor(kRecurrent, "slots", slots, value, at::kInt, {rows});
  call.scale = static_cast<float>(scale);
  call.memory = static_cast<float *>(memory.mutable_data_ptr());
  call.slots = static_cast<const int32_t *>(slots.const_data_ptr());
  call.half = call.rule != kStateSpace && value.scalar_type() == at::kBFloat16;
  at::Tensor out = at::empty({rows, heads, value_width}, value.options().dtype(call.half ? at::kBFloat16 : at::kFloat));
  call.out = out.mutable_data_ptr();
  call.stream = c10::cuda::getCurrentCUDAStream(value.device().index());
  if (rows > 0) check_launch(recurrent_step(call), kRecurrent);
  return out;
}

/// Sizes and tensors that both windows have; `out` is made.
WindowStepCall checked_window(const char *operation, const at::Tensor &x, const at::Tensor &window,
                              const at::Tensor &slots, at::Tensor &out) {
  TORCH_CHECK(x.dim() == 2 && window.dim() == 3 && window.numel() > 0, operation, ": x is ", x.sizes(), " and window ",
              window.sizes(), ", expected [rows, channels] and [slots, channels, taps], not empty.");
  int64_t rows = x.size(0), count = window.size(0), channels = window.size(1), taps = window.size(2);
  check_rows(operation, "x", x, x, {rows, channels});
  check_tensor(operation, "window", window, x, x.scalar_type(), window.sizes());
  check_tensor(operation, "slots", slots, x, at::kInt, {rows});
  TORCH_CHECK(rows <= kMostWindowRows && count < (int64_t(1) << 31) && channels * taps < (int64_t(1) << 30), operation,
              ": x is ", x.sizes(), " and window ", window.sizes(), ", too many rows, slots or channels for one call.");
  WindowStepCall call{};
  call.rows = static_cast<int>(rows);
  call.channels = static_cast<int>(channels);
  call.taps = static_cast<int>(taps);
  call.slot_count = static_cast<int>(count);
  call.half = x.scalar_type() == at::kBFloat16;
  call.x = x.const_data_ptr();
  call.x_row = x.stride(0);
  call.window = window.mutable_data_ptr();
  call.slots = static_cast<const int32_t *>(slots.const_data_ptr());
  out = at::empty({rows, channels}, x.options());
  call.out = out.mutable_data_ptr();
  call.stream = c10::cuda::getCurrentCUDAStream(x.device().index());
  at::assert_no_overlap(window, x);
  return call;
}

at::Tensor convolution(const at::Tensor &x, const at::Tensor &weight, const Optional &bias, const at::Tensor &window,
                       const at::Tensor &slots) {
  constexpr const char *kName = "convolution_step";
  c10::cuda::CUDAGuard guard(x.device());
  at::Tensor out;
  WindowStepCall call = checked_window(kName, x, window, slots, out);
  check_tensor(kName, "weight", weight, x, x.scalar_type(), {window.size(1), window.size(2)});
  call.weight = weight.const_data_ptr();
  if (bias && bias->defined()) {
    check_tensor(kName, "bias", *bias, x, x.scalar_type(), {window.size(1)});
    call.bias = bias->const_data_ptr();
  }
  if (call.rows > 0) check_launch(convolution_step(call), kName);
  return out;
}

at::Tensor token_shift(const at::Tensor &x, const at::Tensor &window, const at::Tensor &slots) {
  constexpr const char *kName = "token_shift_step";
  c10::cuda::CUDAGuard guard(x.device());
  TORCH_CHECK(window.dim() == 3 && window.size(2) == 1, kName, ": window is ", window.sizes(),
              ", expected one input of each channel.");
  at::Tensor out;
  WindowStepCall call = checked_window(kName, x, window, slots, out);
  if (call.rows > 0) check_launch(token_shift_step(call), kName);
  return out;
}

}  // namespace
}  // namespace jet::cuda

TORCH_LIBRARY_IMPL(jet, CUDA, m) {
  m.impl("recurrent_step", &jet::cuda::recurrent);
  m.impl("convolution_step", &jet::cuda::convolution);
  m.impl("token_shift_step", &jet::cuda::token_shift);
}
