// GatedDeltaRule.h: the CUDA kernels of the gated delta rule as plain functions of pointers, sizes and a stream.
//
// With k, q the rows that are used (unit rows times the scale where asked for), g the sum of log decays within a chunk
// of 64 tokens, G its last, D_ij = exp(g_i − g_j) and S the memory [K, V] before the chunk:
//     A_ij = β_i (k_i · k_j) D_ij for j < i     T = (I + A)⁻¹     P_ij = (q_i · k_j) D_ij for j ≤ i
//     X = V − exp(g) K S     U = T (β X)     O = exp(g) Q S + P U     S⁺ = exp(G) S + (exp(G − g) K)ᵀ U
// and backwards, from the gradients dO and dS⁺:
//     dU = Pᵀ dO + exp(G − g) K dS⁺     Y = Tᵀ dU     dV = β Y
//     dS = exp(G) dS⁺ + (exp(g) Q)ᵀ dO − (exp(g) K)ᵀ β Y
//     dP = dO Uᵀ     dA = −Y Uᵀ     and from these, dO Sᵀ, Y Sᵀ and U dS⁺ᵀ those of q, k, β and g.
// Source: Yang et al. 2024, arXiv:2412.06464, section 3.3.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace jet::cuda {

/// Tokens of a chunk.
constexpr int kChunk = 64;

/// A tensor [B, T, H, …] whose last dimension, if any, is contiguous; strides in elements.
struct TokenView {
  const void *data;
  int64_t batch;
  int64_t token;
  int64_t head;
};

/// Sizes and inputs of one call; all pointers are of the device.
struct GatedDeltaRuleCall {
  int batch;
  int tokens;
  int heads;
  int key_width;  // at most 256
  int value_width;
  bool half;  // query, key, value and out are bfloat16, else float32
  bool normalize;
  bool activate;  // query and key pass silu first; only where applies_silu says so
  float scale;
  TokenView query;
  TokenView key;
  TokenView value;
  TokenView write_strength;  // float32
  TokenView log_decay;       // float32
  const float *memory;       // [B, H, K, V]
  void *records;             // batch · heads · chunks of as many bytes as whoever writes them says, aligned to 128
  cudaStream_t stream;

  constexpr int chunks() const { return (tokens + kChunk - 1) / kChunk; }
};

/// What a forward pass, or its replay, leaves for the gradients, in blocks of 8 × 8 (see Blocks.cuh); V' is V rounded
/// up to 16, K' the padded key width.
struct Replay {
  void *memories;     // [B·H·n, V', K'] before each chunk, transposed
  void *corrections;  // [B·H·n, V', 64], U transposed
  void *factors;      // [B·H·n] of factor_bytes(), aligned to 16; where there are transitions, else null
};

/// Where gradients [B, T, H, K] are written.
struct GradientRows {
  void *data;
  int64_t batch, token, head;
  bool are_paired;  // two numbers side by side can be written at once
};

/// Gradients that come in and go out, contiguous but for those of queries and keys.
struct GatedDeltaRuleGradients {
  TokenView out;              // dO [B, T, H, V]
  const float *final_memory;  // dS after the last token; null stands for zeros
  void *memories;             // [B·H·n, V', K']: dS⁺ after each chunk, transposed, in blocks
  void *solved;               // [B·H·n, V', 64]: Y transposed, in blocks
  GradientRows query;
  GradientRows key;
  void *value;            // [B, T, H, V]
  float *write_strength;  // [B, T, H]
  float *log_decay;
  float *memory;  // [B, H, K, V]
};

/// The padded key width, a case of the kernels: 64, 96, 128 or 256.
int padded_key_width(int key_width);
/// Bytes that a chunk of one head takes in `records`.
int64_t record_bytes(int key_width, bool half);

/// Writes the records, of record_bytes: T, P, keys, queries and factors of every chunk.
cudaError_t gated_delta_rule_prepare(const GatedDeltaRuleCall &call);
/// Writes the outputs [B, T, H, V], contiguous, and the memory after the last token; `memory` may be call.memory.
cudaError_t gated_delta_rule_outputs(const GatedDeltaRuleCall &call, const TokenView &out, float *memory);
/// Writes the replay instead of outputs.
cudaError_t gated_delta_rule_replay(const GatedDeltaRuleCall &call, const Replay &replay);
/// From the last chunk to the first: dV, dS before the first token, and what gated_delta_rule_gradients reads.
cudaError_t gated_delta_rule_reverse(const GatedDeltaRuleCall &call, const GatedDeltaRuleGradients &gradients);

/// Whether the walks over the chunks can go by transitions: what a chunk does to memory and values as one linear map,
/// so that a chunk waits for a single product of the chunk before it. bfloat16, key widths up to 128, compute
/// capability 9.0.
bool has_transitions(const GatedDeltaRuleCall &call);
/// Whether the kernels can bring queries and keys past silu themselves: by transitions, of rows that are aligned.
bool applies_silu(const GatedDeltaRuleCall &call);
/// Bytes that a chunk of one head takes in `records` then; and in a training pass, beside what the way back has.
int64_t transition_bytes(int key_width);
int64_t training_transition_bytes(int key_width);
/// Bytes of the numbers of a chunk's tokens.
int64_t factor_bytes();
/// Writes the transitions of every chunk for the outputs to `records`, of transition_bytes.
cudaError_t gated_delta_rule_transitions(const GatedDeltaRuleCall &call);
/// Those of the way back to `back_records`, of transition_bytes; what a training pass has beside these to `records`, of
/// training_transition_bytes; and the numbers of the tokens to `factors` [B·H·n].
cudaError_t gated_delta_rule_training_transitions(const GatedDeltaRuleCall &call, void *back_records, void *factors);
/// The results of gated_delta_rule_outputs, from transitions in place of records.
cudaError_t gated_delta_rule_follow(const GatedDeltaRuleCall &call, const TokenView &out, float *memory);
/// Those of gated_delta_rule_replay, from what gated_delta_rule_training_transitions has written.
cudaError_t gated_delta_rule_follow_replay(const GatedDeltaRuleCall &call, const void *back_records,
                                           const Replay &replay);
/// Both at once, from the same; the same bits.
cudaError_t gated_delta_rule_follow_training(const GatedDeltaRuleCall &call, const void *back_records,
                                             const TokenView &out, float *memory, const Replay &replay);
/// Those of gated_delta_rule_reverse, from the transitions of the way back in `records`.
cudaError_t gated_delta_rule_follow_reverse(const GatedDeltaRuleCall &call, const GatedDeltaRuleGradients &gradients);

/// All chunks at once: the gradients of query, key, write strength and log decay.
cudaError_t gated_delta_rule_gradients(const GatedDeltaRuleCall &call, const Replay &replay,
                                       const GatedDeltaRuleGradients &gradients);
/// The same from factors in place of records, where there are transitions.
cudaError_t gated_delta_rule_follow_gradients(const GatedDeltaRuleCall &call, const Replay &replay,
                                              const GatedDeltaRuleGradients &gradients);

}  // namespace jet::cuda
