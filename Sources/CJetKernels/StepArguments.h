// StepArguments.h: the checked arguments of the step operators, half a layer each. A stage reads x and
// writes out, both [sequences, width]; who runs several of them chains these pointers.
//
// States lie in pools, and a table says where: row n of x has slot slots[n] of a pool of memories, or
// the pages pages[n] of a pool of keys and values, in order. Stages write to the pools in place.
//
// Letters: N sequences, D model width, F inner width, H heads, G key/value heads, Dh head width,
// K key width, V value width, R generator width, S slots of a pool, P pages of a pool, C entries of a
// page, M pages of a row of the table.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
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

/// Distances in elements between neighbours of the first three dimensions of a pool of pages.
struct PageStrides {
  int64_t page;
  int64_t head;
  int64_t entry;
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
  PageStrides key_strides;
  void *values;
  PageStrides value_strides;
  int64_t page_entries;
  int64_t table_pages;
  bool ring;
  const int32_t *pages;
  const int32_t *positions;
  const void *output;
  void *out;

  /// Which entry of its pages, counted from the first, the token of sequence n goes to.
  int64_t entry(int64_t n) const { return ring ? positions[n] % page_entries : positions[n]; }
  /// How many entries sequence n looks at, its token's included.
  int64_t entries(int64_t n) const {
    int64_t tokens = int64_t{positions[n]} + 1;
    return ring ? std::min(tokens, page_entries) : tokens;
  }

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
  const int32_t *slots;
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
StageInput stage_input(const char *operation, const at::Tensor &x, const std::optional<at::Tensor> &norm, double eps);

// Each checks the tensors of `operation` against `x`, an example of the activations; `out` stays null.

MlpStage mlp_stage(const char *operation, const at::Tensor &x, const at::Tensor &norm, double eps,
                   const at::Tensor &gate_up, const at::Tensor &down);

AttentionStage attention_stage(const char *operation, const at::Tensor &x, const at::Tensor &norm, double eps,
                               const at::Tensor &qkv, const std::optional<at::Tensor> &qkv_bias,
                               const std::optional<at::Tensor> &q_norm, const std::optional<at::Tensor> &k_norm,
                               const at::Tensor &cos, const at::Tensor &sin, const at::Tensor &keys,
                               const at::Tensor &values, const at::Tensor &pages, const at::Tensor &positions,
                               bool ring, const at::Tensor &output, int64_t heads, double scale);

JetBlockStage jet_block_stage(const char *operation, const at::Tensor &x, const at::Tensor &norm, double eps,
                              const at::Tensor &projection, const at::Tensor &generator,
                              const at::Tensor &generator_bias, const at::Tensor &a_log, const at::Tensor &dt_bias,
                              const at::Tensor &window, const at::Tensor &memory, const at::Tensor &slots,
                              const at::Tensor &output_norm, double output_eps, const at::Tensor &output,
                              int64_t heads);

HeadStage head_stage(const char *operation, const at::Tensor &x, const std::optional<at::Tensor> &norm, double eps,
                     const at::Tensor &weight, const std::optional<at::Tensor> &bias);

}  // namespace jet
