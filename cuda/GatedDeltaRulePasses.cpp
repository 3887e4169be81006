// GatedDeltaRulePasses.cpp: see GatedDeltaRulePasses.h.

#include "GatedDeltaRulePasses.h"

#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>

#include "Checks.h"
#include "GatedDeltaRule.h"

namespace jet::cuda {
namespace {

/// Device memory that a forward pass takes beside its results; longer sequences are done in pieces.
constexpr int64_t kForwardBytes = int64_t(512) << 20;
/// The same of a backward pass that goes forward again; larger batches are done in parts, of one sequence at least.
/// (One of 65,536 tokens and 12 heads of 96 × 256 takes 3.1 GB.)
constexpr int64_t kBackwardBytes = int64_t(2) << 30;
/// What a call may keep until its gradients are asked for; beyond it the backward pass goes forward again, which takes
/// more time and no memory meanwhile; the transitions of the forward pass take another quarter while it runs. (8
/// sequences of 4,096 tokens and 12 heads of 96 × 256 keep 0.81 GB, the one above 1.63.)
constexpr int64_t kTraceBytes = int64_t(2) << 30;

TokenView view(const at::Tensor &x) { return {x.const_data_ptr(), x.stride(0), x.stride(1), x.stride(2)}; }

GradientRows rows_of(const at::Tensor &x) {
  bool are_paired = x.size(3) % 2 == 0 && x.stride(0) % 2 == 0 && x.stride(1) % 2 == 0 && x.stride(2) % 2 == 0 &&
                    reinterpret_cast<uintptr_t>(x.const_data_ptr()) % (2 * x.element_size()) == 0;
  return {x.mutable_data_ptr(), x.stride(0), x.stride(1), x.stride(2), are_paired};
}

void check_view(const char *name, const at::Tensor &tensor, const at::Tensor &like, at::ScalarType dtype,
                at::IntArrayRef shape) {
  bool rows = tensor.dim() < 4 || tensor.size(-1) <= 1 || tensor.stride(-1) == 1;
  TORCH_CHECK(tensor.device() == like.device() && tensor.scalar_type() == dtype && tensor.sizes() == shape && rows,
              "gated_delta_rule: ", name, " is ", tensor.toString(), " ", tensor.sizes(), " with strides ",
              tensor.strides(), " on ", tensor.device(), ", expected ", dtype, " ", shape, " on ", like.device(),
              " with a contiguous last dimension.");
}

/// Sizes and views of the arguments, checked; without records.
GatedDeltaRuleCall checked(const GatedDeltaRuleInputs &x) {
  const auto &[query, key, value, write_strength, log_decay, memory, scale, normalize, activate] = x;
  TORCH_CHECK(query.dim() == 4 && value.dim() == 4 && query.size(3) > 0 && query.size(3) <= 256 && value.size(3) > 0,
              "gated_delta_rule: query is ", query.sizes(), " and value ", value.sizes(),
              ", expected query [batch, tokens, heads, key width of at most 256] and value [batch, tokens, heads, "
              "value width].");
  at::ScalarType dtype = value.scalar_type();
  TORCH_CHECK(dtype == at::kFloat || dtype == at::kBFloat16, "gated_delta_rule: value is ", value.toString(),
              ", expected float32 or bfloat16.");
  int64_t batch = query.size(0), tokens = query.size(1), heads = query.size(2);
  int64_t key_width = query.size(3), value_width = value.size(3);
  check_view("query", query, value, dtype, {batch, tokens, heads, key_width});
  check_view("key", key, value, dtype, {batch, tokens, heads, key_width});
  check_view("value", value, value, dtype, {batch, tokens, heads, value_width});
  check_view("write_strength", write_strength, value, at::kFloat, {batch, tokens, heads});
  check_view("log_decay", log_decay, value, at::kFloat, {batch, tokens, heads});
  check_view("memory", memory, value, at::kFloat, {batch, heads, key_width, value_width});
  TORCH_CHECK(memory.is_contiguous(), "gated_delta_rule: memory has strides ", memory.strides(),
              ", expected a contiguous tensor.");
  GatedDeltaRuleCall call{};
  call.batch = static_cast<int>(batch);
  call.tokens = static_cast<int>(tokens);
  call.heads = static_cast<int>(heads);
  call.key_width = static_cast<int>(key_width);
  call.value_width = static_cast<int>(value_width);
  call.half = dtype == at::kBFloat16;
  call.normalize = normalize;
  call.activate = activate;
  call.scale = static_cast<float>(scale);
  call.query = view(query);
  call.key = view(key);
  call.value = view(value);
  call.write_strength = view(write_strength);
  call.log_decay = view(log_decay);
  call.memory = static_cast<const float *>(memory.const_data_ptr());
  call.stream = c10::cuda::getCurrentCUDAStream(value.device().index());
  return call;
}

at::Tensor bytes(int64_t count, const at::Tensor &like) { return at::empty({count}, like.options().dtype(at::kByte)); }

/// Bytes of what the chunks of one sequence have for the gradients.
struct SequenceBytes {
  int64_t records, back_records = 0, factors = 0, memories, corrections;

  explicit SequenceBytes(const GatedDeltaRuleCall &call) {
    int64_t chunks = int64_t(call.heads) * call.chunks(), element_bytes = call.half ? 2 : 4;
    int64_t column_bytes = chunks * ((call.value_width + 15) / 16 * 16) * element_bytes;
    memories = column_bytes * padded_key_width(call.key_width);
    corrections = column_bytes * kChunk;
    if (has_transitions(call)) {
      records = chunks * training_transition_bytes(call.key_width);
      back_records = chunks * transition_bytes(call.key_width);
      factors = chunks * factor_bytes();
    } else {
      records = chunks * record_bytes(call.key_width, call.half);
    }
  }

  int64_t trace() const { return back_records + factors + memories + corrections; }
  GatedDeltaRuleTrace make_trace(int64_t sequences, const at::Tensor &like) const {
    return {bytes(sequences * back_records, like), bytes(sequences * factors, like), bytes(sequences * memories, like),
            bytes(sequences * corrections, like)};
  }
};

Replay replay_of(const GatedDeltaRuleTrace &trace) {
  return {trace.memories.mutable_data_ptr(), trace.corrections.mutable_data_ptr(), trace.factors.mutable_data_ptr()};
}

/// Whether queries and keys have to pass silu before the kernels read them.
bool lacks_silu(const GatedDeltaRuleCall &call) { return call.activate && !applies_silu(call); }

/// `x` with queries and keys that have passed it.
GatedDeltaRuleInputs activated(const GatedDeltaRuleInputs &x) {
  GatedDeltaRuleInputs y = x;
  y.query = at::silu(x.query);
  y.key = at::silu(x.key);
  y.activate = false;
  return y;
}

TokenView from_token(TokenView x, int64_t token, int64_t element_bytes) {
  x.data = static_cast<const char *>(x.data) + token * x.token * element_bytes;
  return x;
}

}  // namespace

at::Tensor forward_pass(const GatedDeltaRuleInputs &x, const at::Tensor &after) {
  c10::cuda::CUDAGuard guard(x.value.device());
  GatedDeltaRuleCall call = checked(x);
  if (lacks_silu(call)) return forward_pass(activated(x), after);
  at::Tensor out = at::empty(x.value.sizes(), x.value.options());
  if (out.numel() == 0) {
    if (!after.is_same(x.memory)) after.copy_(x.memory);
    return out;
  }
  float *memory = static_cast<float *>(after.mutable_data_ptr());
  int64_t heads = int64_t(call.batch) * call.heads;
  bool by_transitions = has_transitions(call);
  int64_t chunk_bytes =
      heads * (by_transitions ? transition_bytes(call.key_width) : record_bytes(call.key_width, call.half));
  int64_t most = std::clamp<int64_t>(kForwardBytes / chunk_bytes, 1, call.chunks());
  int64_t pieces = (call.chunks() + most - 1) / most;
  int64_t piece_chunks = (call.chunks() + pieces - 1) / pieces;
  at::Tensor records = bytes(piece_chunks * chunk_bytes, out);
  int64_t element_bytes = out.element_size();
  for (int64_t first = 0; first < call.tokens; first += piece_chunks * kChunk) {
    GatedDeltaRuleCall piece = call;
    piece.tokens = static_cast<int>(std::min<int64_t>(call.tokens - first, piece_chunks * kChunk));
    piece.query = from_token(call.query, first, element_bytes);
    piece.key = from_token(call.key, first, element_bytes);
    piece.value = from_token(call.value, first, element_bytes);
    piece.write_strength = from_token(call.write_strength, first, sizeof(float));
    piece.log_decay = from_token(call.log_decay, first, sizeof(float));
    piece.records = records.mutable_data_ptr();
    if (first > 0) piece.memory = memory;
    TokenView piece_out = from_token(view(out), first, element_bytes);
    if (by_transitions) {
      check_launch(gated_delta_rule_transitions(piece), "gated_delta_rule_transitions");
      check_launch(gated_delta_rule_follow(piece, piece_out, memory), "gated_delta_rule_follow");
    } else {
      check_launch(gated_delta_rule_prepare(piece), "gated_delta_rule_prepare");
      check_launch(gated_delta_rule_outputs(piece, piece_out, memory), "gated_delta_rule_outputs");
    }
  }
  return out;
}

bool leaves_trace(const GatedDeltaRuleInputs &x) {
  c10::cuda::CUDAGuard guard(x.value.device());
  GatedDeltaRuleCall call = checked(x);
  return x.value.numel() > 0 && has_transitions(call) && call.batch * SequenceBytes(call).trace() <= kTraceBytes;
}

at::Tensor training_pass(const GatedDeltaRuleInputs &x, const at::Tensor &after, GatedDeltaRuleTrace &trace) {
  c10::cuda::CUDAGuard guard(x.value.device());
  GatedDeltaRuleCall call = checked(x);
  if (lacks_silu(call)) return training_pass(activated(x), after, trace);
  SequenceBytes sizes(call);
  at::Tensor out = at::empty(x.value.sizes(), x.value.options());
  trace = sizes.make_trace(call.batch, out);
  at::Tensor records = bytes(call.batch * sizes.records, out);
  call.records = records.mutable_data_ptr();
  Replay replay = replay_of(trace);
  void *back_records = trace.back_records.mutable_data_ptr();
  float *memory = static_cast<float *>(after.mutable_data_ptr());
  check_launch(gated_delta_rule_training_transitions(call, back_records, replay.factors),
               "gated_delta_rule_training_transitions");
  check_launch(gated_delta_rule_follow_training(call, back_records, view(out), memory, replay),
               "gated_delta_rule_follow_training");
  return out;
}

GatedDeltaRuleGradientsOfInputs backward_pass(const GatedDeltaRuleInputs &x, const at::Tensor &of_out,
                                              const std::optional<at::Tensor> &of_memory,
                                              const GatedDeltaRuleTrace *trace, const at::Tensor &of_query,
                                              const at::Tensor &of_key) {
  c10::cuda::CUDAGuard guard(x.value.device());
  GatedDeltaRuleCall whole = checked(x);
  if (lacks_silu(whole)) {
    GatedDeltaRuleInputs y = activated(x);
    at::Tensor query = at::empty_like(y.query), key = at::empty_like(y.key);
    auto results = backward_pass(y, of_out, of_memory, trace, query, key);
    at::Tensor query_place = of_query, key_place = of_key;
    std::get<0>(results) = at::silu_backward_out(query_place, query, x.query);
    std::get<1>(results) = at::silu_backward_out(key_place, key, x.key);
    return results;
  }
  const at::Tensor &value = x.value;
  auto like = [](const at::Tensor &x) { return at::empty(x.sizes(), x.options()); };
  at::Tensor of_value = like(value);
  at::Tensor of_strength = like(x.write_strength), of_decay = like(x.log_decay), of_first = like(x.memory);
  bool has_memory = of_memory && of_memory->defined();
  at::Tensor incoming = of_out.contiguous();
  at::Tensor incoming_memory = has_memory ? of_memory->contiguous() : at::Tensor();
  check_view("the gradient of the result", incoming, value, value.scalar_type(), value.sizes());
  if (has_memory) check_view("the gradient of the memory", incoming_memory, value, at::kFloat, x.memory.sizes());
  if (value.numel() == 0) {
    if (has_memory) of_first.copy_(incoming_memory);
    else of_first.zero_();
    return {of_query, of_key, of_value, of_strength, of_decay, of_first};
  }

  SequenceBytes sizes(whole);
  bool by_transitions = has_transitions(whole);
  int64_t per_sequence = sizes.records + sizes.trace() + sizes.memories + sizes.corrections;
  int64_t part = trace ? whole.batch : std::clamp<int64_t>(kBackwardBytes / per_sequence, 1, whole.batch);
  at::Tensor records = bytes(trace ? 0 : part * sizes.records, value);
  GatedDeltaRuleTrace own = trace ? *trace : sizes.make_trace(part, value);
  at::Tensor of_memories = bytes(part * sizes.memories, value), solved = bytes(part * sizes.corrections, value);
  Replay replay = replay_of(own);
  for (int64_t first = 0; first < whole.batch; first += part) {
    int64_t count = std::min<int64_t>(part, whole.batch - first);
    auto some = [&](const at::Tensor &x) { return x.narrow(0, first, count); };
    GatedDeltaRuleCall call = checked({some(x.query), some(x.key), some(value), some(x.write_strength),
                                       some(x.log_decay), some(x.memory), x.scale, x.normalize, x.activate});
    call.records = records.mutable_data_ptr();
    auto floats = [&](const at::Tensor &x) { return static_cast<float *>(some(x).mutable_data_ptr()); };
    GatedDeltaRuleGradients gradients{view(some(incoming)),
                                      has_memory ? floats(incoming_memory) : nullptr,
                                      of_memories.mutable_data_ptr(),
                                      solved.mutable_data_ptr(),
                                      rows_of(some(of_query)),
                                      rows_of(some(of_key)),
                                      some(of_value).mutable_data_ptr(),
                                      floats(of_strength),
                                      floats(of_decay),
                                      floats(of_first)};
    if (by_transitions) {
      void *back_records = own.back_records.mutable_data_ptr();
      if (!trace) {
        check_launch(gated_delta_rule_training_transitions(call, back_records, replay.factors),
                     "gated_delta_rule_training_transitions");
        check_launch(gated_delta_rule_follow_replay(call, back_records, replay), "gated_delta_rule_follow_replay");
      }
      call.records = back_records;
      check_launch(gated_delta_rule_follow_reverse(call, gradients), "gated_delta_rule_follow_reverse");
      check_launch(gated_delta_rule_follow_gradients(call, replay, gradients), "gated_delta_rule_follow_gradients");
    } else {
      check_launch(gated_delta_rule_prepare(call), "gated_delta_rule_prepare");
      check_launch(gated_delta_rule_replay(call, replay), "gated_delta_rule_replay");
      check_launch(gated_delta_rule_reverse(call, gradients), "gated_delta_rule_reverse");
      check_launch(gated_delta_rule_gradients(call, replay, gradients), "gated_delta_rule_gradients");
    }
  }
  return {of_query, of_key, of_value, of_strength, of_decay, of_first};
}

}  // namespace jet::cuda
