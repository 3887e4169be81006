// GatedDeltaRule.cpp: what both forms of the gated delta rule ask of their tensors.

#include "GatedDeltaRule.h"

#include <ATen/MemoryOverlap.h>
#include <c10/util/Exception.h>

namespace jet {
namespace {

void check_view(const char *operation, const char *name, const at::Tensor &tensor, at::ScalarType dtype,
                at::IntArrayRef shape) {
  bool rows = tensor.dim() < 4 || tensor.dim() == 0 || tensor.size(-1) <= 1 || tensor.stride(-1) == 1;
  TORCH_CHECK(
      tensor.defined() && tensor.device().is_cpu() && tensor.scalar_type() == dtype && tensor.sizes() == shape && rows,
      operation, ": ", name, " is ", tensor.toString(), " ", tensor.sizes(), " with strides ", tensor.strides(),
      ", expected ", dtype, " ", shape, " on the CPU with a contiguous last dimension.");
}

TokenView view(const at::Tensor &tensor) {
  return {tensor.const_data_ptr(), tensor.stride(0), tensor.stride(1), tensor.stride(2)};
}

}  // namespace

GatedDeltaRuleArguments checked_gated_delta_rule(const char *operation, const at::Tensor &query, const at::Tensor &key,
                                                 const at::Tensor &value, const at::Tensor &write_strength,
                                                 const at::Tensor &log_decay, const at::Tensor &memory, double scale,
                                                 bool normalize) {
  TORCH_CHECK(query.dim() == 4 && value.dim() == 4 && query.size(3) > 0 && value.size(3) > 0, operation, ": query is ",
              query.sizes(), " and value ", value.sizes(),
              ", expected query [batch, tokens, heads, key width] and value [batch, tokens, heads, "
              "value width].");
  at::ScalarType dtype = value.scalar_type();
  TORCH_CHECK(dtype == at::kFloat || dtype == at::kBFloat16, operation, ": value is ", value.toString(),
              ", expected float32 or bfloat16.");
  int64_t batch = query.size(0);
  int64_t tokens = query.size(1);
  int64_t heads = query.size(2);
  int64_t key_width = query.size(3);
  int64_t value_width = value.size(3);
  check_view(operation, "query", query, dtype, {batch, tokens, heads, key_width});
  check_view(operation, "key", key, dtype, {batch, tokens, heads, key_width});
  check_view(operation, "value", value, dtype, {batch, tokens, heads, value_width});
  check_view(operation, "write_strength", write_strength, at::kFloat, {batch, tokens, heads});
  check_view(operation, "log_decay", log_decay, at::kFloat, {batch, tokens, heads});
  check_view(operation, "memory", memory, at::kFloat, {batch, heads, key_width, value_width});
  at::assert_no_internal_overlap(memory);
  return {batch,
          tokens,
          heads,
          key_width,
          value_width,
          dtype == at::kBFloat16,
          view(query),
          view(key),
          view(value),
          view(write_strength),
          view(log_decay),
          {memory.mutable_data_ptr<float>(), memory.stride(0), memory.stride(1), memory.stride(2)},
          static_cast<float>(scale),
          normalize,
          nullptr};
}

}  // namespace jet
