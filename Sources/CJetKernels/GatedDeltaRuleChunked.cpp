// GatedDeltaRuleChunked.cpp: jet::gated_delta_rule_chunked, the recurrence
// `S_t = α_t (I − β_t k_t k_tᵀ) S_{t-1} + β_t k_t v_tᵀ`, `o_t = scale · S_tᵀ q_t` over many tokens.
//
// With S = [K, V], α = exp(log_decay), β = write_strength and g the sum of log_decay within a chunk
// of 64 tokens, a chunk is a few matrix products:
//     A = β_i (k_i · k_j) exp(g_i − g_j) for j < i        U = (I + A)⁻¹ β (V − exp(g) K S)
//     O = exp(g) Q S + (q_i · k_j exp(g_i − g_j))_{j ≤ i} U
//     S = exp(g_C) S + (exp(g_C − g) K)ᵀ U
//
// Shapes: B batch, T tokens, H heads, K key width, V value width. query, key [B, T, H, K] and value
// [B, T, H, V] float32 or bfloat16; write_strength, log_decay [B, T, H] and memory [B, H, K, V]
// float32; any strides but in the last dimension. Result [B, T, H, V] in the dtype of value; memory
// is updated. Arithmetic in float32. A token of write strength 0 and log decay 0 leaves the memory
// as it is, bit for bit, whatever its key and value are; log decays below −1,000 count as −1,000.
// Source: Yang et al. 2024, arXiv:2412.06464, section 3.3.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/silu.h>
#include <torch/library.h>

#include <cmath>

#include "GatedDeltaRule.h"
#include "Isa.h"
#include "Team.h"

namespace jet {
namespace {

/// In how many slices of value columns, of `panels` narrow panels each at most, one head is done.
/// A slice costs its panels and about one panel more for the products of queries and keys.
int64_t best_slices(int64_t heads, int64_t panels, int64_t threads) {
  int64_t best = 1;
  int64_t least = INT64_MAX;
  for (int64_t slices = 1; slices <= std::min(panels, threads); ++slices) {
    int64_t rounds = (heads * slices + threads - 1) / threads;
    int64_t cost = rounds * ((panels + slices - 1) / slices + 1);
    if (cost < least) {
      least = cost;
      best = slices;
    }
  }
  return best;
}

}  // namespace
}  // namespace jet

#define JET_KERNEL_BODY "GatedDeltaRuleChunkedKernel.inc"
#include "EachIsa.inc"

namespace jet {

at::Tensor gated_delta_rule_chunked(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                                    const at::Tensor &write_strength, const at::Tensor &log_decay,
                                    const at::Tensor &memory, double scale, bool normalize, bool activate) {
  const at::Tensor used_query = activate ? at::silu(query) : query;
  const at::Tensor used_key = activate ? at::silu(key) : key;
  GatedDeltaRuleArguments arguments = checked_gated_delta_rule("gated_delta_rule_chunked", used_query, used_key, value,
                                                               write_strength, log_decay, memory, scale, normalize);
  at::Tensor out = at::empty(value.sizes(), value.options());
  arguments.out = out.mutable_data_ptr();
  if (out.numel() > 0) JET_DISPATCH(gated_delta_rule_chunked_kernel, arguments);
  return out;
}

}  // namespace jet

TORCH_LIBRARY_IMPL(jet, CPU, m) { m.impl("gated_delta_rule_chunked", &jet::gated_delta_rule_chunked); }
