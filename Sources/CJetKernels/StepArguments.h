// StepArguments.h: the checked arguments of the step operators, half a layer each. A stage reads x and
// writes out, both [sequences, width]; who runs several of them chains these pointers.
//
// Letters: N sequences, D model width, F inner width, H heads, G key/value heads, Dh head width,
// K key width, V value width, R generator width, C cache capacity.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <variant>

#include "Arguments.h"

namespace jet {

/// The sequences that one pass over the weights serves; more are taken in blocks of this many.
constexpr int64_t step_sequences = 16;

/// The taps of the dynamic convolution that the JetBlock's stage is made for.
constexpr int64_t step_taps = 4;

/// What all stages have: the activations and the norm before the first product.
struct StageInput {
  int64_t sequences;
  int64_t width;
  bool half;
  const void *x;
  Values norm;
  float eps;

  /// The size of a number of x.
  int64_t bytes() const { return half ? 2 : 4; }
  /// The same for `count` sequences from `first` on.
  StageInput block(int64_t first, int64_t count) const;
};

/// The numbers `offset` elements of `bytes` bytes further on.
inline const void *advanced(const void *p, int64_t offset, int64_t bytes) {
  return static_cast<const char *>(p) + offset * bytes;
}
inline void *advanced(void *p, int64_t offset, int64_t bytes) {
  return p ? static_cast<char *>(p) + offset * bytes : nullptr;
}

struct MlpStage {
  StageInput input;
  int64_t inner;
  const void *gate_up;
  const void *down;
  void *out;

  MlpStage block(int64_t first, int64_t count) const;
};

/// Distances in elements between neighbours of a cache's first three dimensions.
struct CacheStrides {
  int64_t sequence;
  int64_t head;
  int64_t position;
};

struct AttentionStage {
  StageInput input;
  int64_t heads;
  int64_t key_heads;
  int64_t head_width;
  float scale;
  const void *qkv;
  Values bias;
  Values q_norm;
  Values k_norm;
  const float *cos;
  const float *sin;
  void *keys;
  CacheStrides key_strides;
  void *values;
  CacheStrides value_strides;
  const int64_t *slots;
  const int64_t *counts;
  const void *output;
  void *out;

  AttentionStage block(int64_t first, int64_t count) const;
};

struct JetBlockStage {
  StageInput input;
  int64_t heads;
  int64_t key_width;
  int64_t value_width;
  int64_t reduced_width;
  float output_eps;
  const void *projection;
  const void *generator;
  Values generator_bias;
  Values a_log;
  Values dt_bias;
  void *window;
  float *memory;
  Values output_norm;
  const void *output;
  void *out;

  JetBlockStage block(int64_t first, int64_t count) const;
};

struct HeadStage {
  StageInput input;
  int64_t vocabulary;
  const void *weight;
  Values bias;
  float *out;

  HeadStage block(int64_t first, int64_t count) const;
};

using Stage = std::variant<AttentionStage, JetBlockStage, MlpStage, HeadStage>;

/// Checks x and the norm, which may be left out.
StageInput stage_input(const char *operation, const at::Tensor &x,
                       const std::optional<at::Tensor> &norm, double eps);

// Each checks the tensors of `operation` against `x`, an example of the activations; `out` stays null.

MlpStage mlp_stage(const char *operation, const at::Tensor &x, const at::Tensor &norm, double eps,
                   const at::Tensor &gate_up, const at::Tensor &down);

AttentionStage attention_stage(const char *operation, const at::Tensor &x, const at::Tensor &norm,
                               double eps, const at::Tensor &qkv,
                               const std::optional<at::Tensor> &qkv_bias,
                               const std::optional<at::Tensor> &q_norm,
                               const std::optional<at::Tensor> &k_norm, const at::Tensor &cos,
                               const at::Tensor &sin, const at::Tensor &keys,
                               const at::Tensor &values, const at::Tensor &slots,
                               const at::Tensor &counts, const at::Tensor &output, int64_t heads,
                               double scale);

JetBlockStage jet_block_stage(const char *operation, const at::Tensor &x, const at::Tensor &norm,
                              double eps, const at::Tensor &projection,
                              const at::Tensor &generator, const at::Tensor &generator_bias,
                              const at::Tensor &a_log, const at::Tensor &dt_bias,
                              const at::Tensor &window, const at::Tensor &memory,
                              const at::Tensor &output_norm, double output_eps,
                              const at::Tensor &output, int64_t heads);

HeadStage head_stage(const char *operation, const at::Tensor &x,
                     const std::optional<at::Tensor> &norm, double eps, const at::Tensor &weight,
                     const std::optional<at::Tensor> &bias);

}  // namespace jet
