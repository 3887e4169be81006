// Step.h: the step operators as C++ functions; Library.cpp has their schemas.
//
// Letters: N sequences, D model width, F inner width, H heads, G key/value heads, Dh head width,
// K key width, V value width, R generator width, C cache capacity.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace jet {

/// The sequences that one pass over the weights serves; more are taken in blocks of this many.
constexpr int64_t step_sequences = 16;

/// Calls `body(first, count)` for blocks of at most step_sequences of the sequences 0..<n.
template <typename Body>
void for_each_block(int64_t n, Body &&body) {
  for (int64_t first = 0; first < n; first += step_sequences)
    body(first, std::min(step_sequences, n - first));
}

at::Tensor mlp_step(const at::Tensor &x, const at::Tensor &norm, double eps,
                    const at::Tensor &gate_up, const at::Tensor &down);

at::Tensor attention_step(const at::Tensor &x, const at::Tensor &norm, double eps,
                          const at::Tensor &qkv, const std::optional<at::Tensor> &qkv_bias,
                          const std::optional<at::Tensor> &q_norm,
                          const std::optional<at::Tensor> &k_norm, const at::Tensor &cos,
                          const at::Tensor &sin, at::Tensor keys, at::Tensor values,
                          const at::Tensor &slots, const at::Tensor &counts,
                          const at::Tensor &output, int64_t heads, double scale);

at::Tensor jet_block_step(const at::Tensor &x, const at::Tensor &norm, double eps,
                          const at::Tensor &input, const at::Tensor &generator,
                          const at::Tensor &generator_bias, const at::Tensor &a_log,
                          const at::Tensor &dt_bias, at::Tensor window, at::Tensor memory,
                          const at::Tensor &output_norm, double output_eps,
                          const at::Tensor &output, int64_t heads);

at::Tensor head_step(const at::Tensor &x, const std::optional<at::Tensor> &norm, double eps,
                     const at::Tensor &weight, const std::optional<at::Tensor> &bias);

}  // namespace jet
