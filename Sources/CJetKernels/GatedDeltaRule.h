// GatedDeltaRule.h: the checked arguments of both forms of the gated delta rule.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace jet {

/// A tensor [B, T, H, ...] whose last dimension, if any, is contiguous; strides in elements.
struct TokenView {
  const void *data;
  int64_t batch;
  int64_t token;
  int64_t head;

  template <typename T>
  const T *at(int64_t b, int64_t t, int64_t h) const {
    return static_cast<const T *>(data) + b * batch + t * token + h * head;
  }
};

/// The state [B, H, K, V] with contiguous rows; strides in elements.
struct MemoryView {
  float *data;
  int64_t batch;
  int64_t head;
  int64_t row;

  float *at(int64_t b, int64_t h) const { return data + b * batch + h * head; }
};

/// Sizes, views and settings of one call; `out` is contiguous [B, T, H, V] in the dtype of `value`.
struct GatedDeltaRuleArguments {
  int64_t batch;
  int64_t tokens;
  int64_t heads;
  int64_t key_width;
  int64_t value_width;
  bool half;
  TokenView query;
  TokenView key;
  TokenView value;
  TokenView write_strength;
  TokenView log_decay;
  MemoryView memory;
  float scale;
  bool normalize;
  void *out;
};

/// Checks the tensors of `operation` and views them; `out` stays null.
GatedDeltaRuleArguments checked_gated_delta_rule(const char *operation, const at::Tensor &query, const at::Tensor &key,
                                                 const at::Tensor &value, const at::Tensor &write_strength,
                                                 const at::Tensor &log_decay, const at::Tensor &memory, double scale,
                                                 bool normalize);

}  // namespace jet
