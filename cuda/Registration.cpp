// Registration.cpp: the CUDA implementations of jet:: operators, for libtorch's dispatcher. The kernels themselves know
// neither tensors nor libtorch. Schemas are in Sources/CJetKernels/Library.cpp.

#include <ATen/ATen.h>
#include <ATen/MemoryOverlap.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>

#include "GatedDeltaRule.h"

namespace jet::cuda {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Device memory that a forward pass takes beside its results; longer sequences are done in pieces.
constexpr int64_t kForwardBytes = int64_t(512) << 20;
/// The same of a backward pass; larger batches are done in parts, of one sequence at least. (One of 65,536 tokens and 12
/// heads of 96 × 256 takes 3.2 GB.)
constexpr int64_t kBackwardBytes = int64_t(2) << 30;

void check_launch(cudaError_t error, const char *kernel) {
  TORCH_CHECK(error == cudaSuccess, kernel, ": CUDA reports: ", cudaGetErrorString(error));
}

TokenView view(const at::Tensor &x) { return {x.const_data_ptr(), x.stride(0), x.stride(1), x.stride(2)}; }

void check_view(const char *name, const at::Tensor &tensor, const at::Tensor &like, at::ScalarType dtype,
                at::IntArrayRef shape) {
  bool rows = tensor.dim() < 4 || tensor.size(-1) <= 1 || tensor.stride(-1) == 1;
  TORCH_CHECK(tensor.device() == like.device() && tensor.scalar_type() == dtype && tensor.sizes() == shape && rows,
              "gated_delta_rule: ", name, " is ", tensor.toString(), " ", tensor.sizes(), " with strides ",
              tensor.strides(), " on ", tensor.device(), ", expected ", dtype, " ", shape, " on ", like.device(),
              " with a contiguous last dimension.");
}

/// Sizes and views of the arguments, checked; without records.
GatedDeltaRuleCall checked(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                           const at::Tensor &write_strength, const at::Tensor &log_decay, const at::Tensor &memory,
                           double scale, bool normalize) {
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

TokenView from_token(TokenView x, int64_t token, int64_t element_bytes) {
  x.data = static_cast<const char *>(x.data) + token * x.token * element_bytes;
  return x;
}

at::Tensor bytes(int64_t count, const at::Tensor &like) {
  return at::empty({count}, like.options().dtype(at::kByte));
}

/// Outputs into `out`, contiguous, and the memory after the last token into `memory`, which may be that of the call.
void run_forward(const GatedDeltaRuleCall &call, const at::Tensor &out, float *memory) {
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
}

/// The operator that changes the memory in place, without gradients.
at::Tensor gated_delta_rule_chunked(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                                    const at::Tensor &write_strength, const at::Tensor &log_decay,
                                    const at::Tensor &memory, double scale, bool normalize) {
  c10::cuda::CUDAGuard guard(value.device());
  GatedDeltaRuleCall call = checked(query, key, value, write_strength, log_decay, memory, scale, normalize);
  at::assert_no_internal_overlap(memory);
  at::Tensor out = at::empty(value.sizes(), value.options());
  if (out.numel() > 0) run_forward(call, out, static_cast<float *>(memory.mutable_data_ptr()));
  return out;
}

/// Outputs, and the memory after the last token.
std::tuple<at::Tensor, at::Tensor> gated_delta_rule(const at::Tensor &query, const at::Tensor &key,
                                                    const at::Tensor &value, const at::Tensor &write_strength,
                                                    const at::Tensor &log_decay, const at::Tensor &memory,
                                                    double scale, bool normalize) {
  c10::cuda::CUDAGuard guard(value.device());
  GatedDeltaRuleCall call = checked(query, key, value, write_strength, log_decay, memory, scale, normalize);
  at::Tensor out = at::empty(value.sizes(), value.options());
  if (out.numel() == 0) return {out, memory.clone()};
  at::Tensor after = at::empty(memory.sizes(), memory.options());
  run_forward(call, out, static_cast<float *>(after.mutable_data_ptr()));
  return {out, after};
}

/// Gradients of query, key, value, write strength, log decay and memory. `of_memory` may be undefined: zeros.
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> gated_delta_rule_backward(
    const at::Tensor &of_out, const std::optional<at::Tensor> &of_memory, const at::Tensor &query,
    const at::Tensor &key, const at::Tensor &value, const at::Tensor &write_strength, const at::Tensor &log_decay,
    const at::Tensor &memory, double scale, bool normalize) {
  c10::cuda::CUDAGuard guard(value.device());
  GatedDeltaRuleCall whole = checked(query, key, value, write_strength, log_decay, memory, scale, normalize);
  auto like = [](const at::Tensor &x) { return at::empty(x.sizes(), x.options()); };
  at::Tensor of_query = like(query), of_key = like(key), of_value = like(value);
  at::Tensor of_strength = like(write_strength), of_decay = like(log_decay), of_first = like(memory);
  bool has_memory = of_memory && of_memory->defined();
  at::Tensor incoming = of_out.contiguous();
  at::Tensor incoming_memory = has_memory ? of_memory->contiguous() : at::Tensor();
  check_view("the gradient of the result", incoming, value, value.scalar_type(), value.sizes());
  if (has_memory) check_view("the gradient of the memory", incoming_memory, value, at::kFloat, memory.sizes());
  if (value.numel() == 0) {
    if (has_memory) of_first.copy_(incoming_memory);
    else of_first.zero_();
    return {of_query, of_key, of_value, of_strength, of_decay, of_first};
  }

  int64_t chunks = int64_t(whole.heads) * whole.chunks();
  int64_t width = (whole.value_width + 15) / 16 * 16, element_bytes = value.element_size();
  bool by_transitions = has_transitions(whole);
  int64_t per_record =
      by_transitions ? transition_bytes(whole.key_width) : record_bytes(whole.key_width, whole.half);
  int64_t per_back = by_transitions ? per_record : 0, per_factors = by_transitions ? factor_bytes() : 0;
  int64_t per_memory = width * padded_key_width(whole.key_width) * element_bytes;
  int64_t per_correction = width * kChunk * element_bytes;
  int64_t per_sequence = chunks * (per_record + per_back + per_factors + 2 * per_memory + 2 * per_correction);
  int64_t part = std::clamp<int64_t>(kBackwardBytes / per_sequence, 1, whole.batch);
  at::Tensor records = bytes(part * chunks * per_record, value), back_records = bytes(part * chunks * per_back, value);
  at::Tensor factors = bytes(part * chunks * per_factors, value);
  at::Tensor memories = bytes(part * chunks * per_memory, value), of_memories = bytes(part * chunks * per_memory, value);
  at::Tensor corrections = bytes(part * chunks * per_correction, value);
  at::Tensor solved = bytes(part * chunks * per_correction, value);
  for (int64_t first = 0; first < whole.batch; first += part) {
    int64_t count = std::min<int64_t>(part, whole.batch - first);
    auto some = [&](const at::Tensor &x) { return x.narrow(0, first, count); };
    GatedDeltaRuleCall call = checked(some(query), some(key), some(value), some(write_strength), some(log_decay),
                                      some(memory), scale, normalize);
    call.records = records.mutable_data_ptr();
    auto floats = [&](const at::Tensor &x) { return static_cast<float *>(some(x).mutable_data_ptr()); };
    Replay replay{memories.mutable_data_ptr(), corrections.mutable_data_ptr(), factors.mutable_data_ptr()};
    GatedDeltaRuleGradients gradients{view(some(incoming)),
                                      has_memory ? floats(incoming_memory) : nullptr,
                                      of_memories.mutable_data_ptr(),
                                      solved.mutable_data_ptr(),
                                      some(of_query).mutable_data_ptr(),
                                      some(of_key).mutable_data_ptr(),
                                      some(of_value).mutable_data_ptr(),
                                      floats(of_strength),
                                      floats(of_decay),
                                      floats(of_first)};
    if (by_transitions) {
      check_launch(gated_delta_rule_gradient_transitions(call, back_records.mutable_data_ptr(), replay.factors),
                   "gated_delta_rule_gradient_transitions");
      check_launch(gated_delta_rule_follow_replay(call, replay), "gated_delta_rule_follow_replay");
      call.records = back_records.mutable_data_ptr();
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

/// Keeps the inputs only; the backward pass computes the rest again.
struct GatedDeltaRule : torch::autograd::Function<GatedDeltaRule> {
  static variable_list forward(AutogradContext *context, const at::Tensor &query, const at::Tensor &key,
                               const at::Tensor &value, const at::Tensor &write_strength,
                               const at::Tensor &log_decay, const at::Tensor &memory, double scale, bool normalize) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->save_for_backward({query, key, value, write_strength, log_decay, memory});
    context->saved_data["scale"] = scale;
    context->saved_data["normalize"] = normalize;
    auto [out, after] = gated_delta_rule(query, key, value, write_strength, log_decay, memory, scale, normalize);
    return {out, after};
  }

  static variable_list backward(AutogradContext *context, const variable_list &incoming) {
    auto saved = context->get_saved_variables();
    at::Tensor of_out = incoming[0].defined() ? incoming[0] : at::zeros_like(saved[2]);
    std::optional<at::Tensor> of_memory;
    if (incoming[1].defined()) of_memory = incoming[1];
    auto [query, key, value, strength, decay, memory] = gated_delta_rule_backward(
        of_out, of_memory, saved[0], saved[1], saved[2], saved[3], saved[4], saved[5],
        context->saved_data["scale"].toDouble(), context->saved_data["normalize"].toBool());
    return {query, key, value, strength, decay, memory, at::Tensor(), at::Tensor()};
  }
};

std::tuple<at::Tensor, at::Tensor> differentiable(const at::Tensor &query, const at::Tensor &key,
                                                  const at::Tensor &value, const at::Tensor &write_strength,
                                                  const at::Tensor &log_decay, const at::Tensor &memory, double scale,
                                                  bool normalize) {
  auto results = GatedDeltaRule::apply(query, key, value, write_strength, log_decay, memory, scale, normalize);
  return {results[0], results[1]};
}

}  // namespace
}  // namespace jet::cuda

TORCH_LIBRARY_IMPL(jet, CUDA, m) {
  m.impl("gated_delta_rule", &jet::cuda::gated_delta_rule);
  m.impl("gated_delta_rule_backward", &jet::cuda::gated_delta_rule_backward);
  m.impl("gated_delta_rule_chunked", &jet::cuda::gated_delta_rule_chunked);
}

TORCH_LIBRARY_IMPL(jet, AutogradCUDA, m) { m.impl("gated_delta_rule", &jet::cuda::differentiable); }
