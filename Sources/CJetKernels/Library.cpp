// Library.cpp: the schema of every jet:: operator. Implementations register themselves beside their
// code with TORCH_LIBRARY_IMPL(jet, CPU, m). `Tensor(a!)` marks an argument that is changed in place.

#include <torch/library.h>

#include "include/CJetKernels.h"

extern "C" void jet_kernels_link(void) {}

TORCH_LIBRARY(jet, m) {
  // Decode: one token a sequence.
  // Layers in a row, half a layer a stage. Each stage has a kind and, in the order given here, its tensors, its
  // real and its whole numbers:
  //   0 MLP         norm, gate_up, down; eps
  //   1 attention   norm, qkv, qkv_bias?, q_norm?, k_norm?, cos, sin, keys (changed), values (changed),
  //                 pages, positions, output; eps, scale; heads, ring (0 or 1)
  //   2 JetBlock    norm, input, generator, generator_bias, a_log, dt_bias, window (changed),
  //                 memory (changed), slots, output_norm, output; eps, output_eps; heads
  m.def("layers_step(Tensor x, int[] kinds, int[] ints, float[] reals, Tensor?[] tensors) -> Tensor");
  m.def("head_step(Tensor x, Tensor? norm, float eps, Tensor weight, Tensor? bias) -> Tensor");

  // Decode on pools, for CUDA only: one token of each of N sequences, which have slots in pools of memories and
  // windows, and pages in pools of keys and values. A ring is a page of as many tokens as the window has.
  // Letters as in StepArguments.h; S slots, P pages of C tokens, M the most pages of a sequence.
  //   linear_step    [N, in] to [N, out]: x is normed (if asked) and passes SiLU (if asked), meets weight [out, in] and
  //                  bias, and the residual is added; with gates_output the rows are F of a gate, then F of what it
  //                  gates, and the result is silu(gate) * other, [N, F]
  //   jet_block_step projected [N, q | k | v | gate | R | a | b], taps [N, H V W], window [S, H V, W] and
  //                  memory [S, H, K, V] changed at slots int32 [N]; to [N, H V], gated and normed
  //   recurrent_step query and key [N, key heads, K], value [N, H, V] and memory float32 [S, H, K, V], changed at slots
  //                  int32 [N], to [N, H, V]; the rules and what each takes are in cuda/RecurrentStep.h
  //   convolution_step  x [N, D], weight [D, W], bias [D] and window [S, D, W], changed at slots; to [N, D], with SiLU
  //   token_shift_step  x [N, D] and window [S, D, 1], changed at slots, to what the window held
  //   rotary_step    projected [N, q | k | v]; frequencies float32 [Dh / 2]; keys and values [P, G, C, Dh] changed
  //   where
  //                  pages int32 [N, M] and positions int32 [N] say; to the queries [N, H, Dh], normed (if asked) and
  //                  turned
  //   paged_attention_step  queries [N, H, Dh] to [N, H Dh]
  //   sample_step    logits float32 [N, vocabulary], options [N] each, to token ids int64 [N]
  m.def(
      "linear_step(Tensor x, Tensor weight, Tensor? bias, Tensor? norm, float eps, bool activates_input, "
      "bool gates_output, Tensor? residual) -> Tensor");
  m.def(
      "jet_block_step(Tensor projected, Tensor taps, Tensor a_log, Tensor dt_bias, Tensor norm, float eps, "
      "Tensor(a!) window, Tensor(b!) memory, Tensor slots) -> Tensor");
  m.def(
      "recurrent_step(int rule, Tensor query, Tensor key, Tensor value, Tensor? decay, Tensor? a_log, Tensor? dt_bias, "
      "Tensor? write, Tensor? recall, Tensor? rewrite, float scale, Tensor(a!) memory, Tensor slots) -> Tensor");
  m.def("convolution_step(Tensor x, Tensor weight, Tensor? bias, Tensor(a!) window, Tensor slots) -> Tensor");
  m.def("token_shift_step(Tensor x, Tensor(a!) window, Tensor slots) -> Tensor");
  m.def(
      "rotary_step(Tensor projected, Tensor? query_norm, Tensor? key_norm, float eps, Tensor frequencies, "
      "float magnitude, Tensor(a!) keys, Tensor(b!) values, Tensor pages, Tensor positions, bool ring) -> Tensor");
  m.def(
      "paged_attention_step(Tensor query, Tensor keys, Tensor values, Tensor pages, Tensor positions, bool ring, "
      "float scale) -> Tensor");
  m.def(
      "sample_step(Tensor logits, Tensor temperature, Tensor top_k, Tensor top_p, Tensor min_p, Tensor seeds, "
      "Tensor positions) -> Tensor");

  // Work of a CUDA device recorded once and launched in one piece; see cuda/Graphs.cpp. What is done between begin and
  // end on the same thread is recorded; to abandon is to end without a graph.
  m.def("graph_begin(int device) -> ()");
  m.def("graph_end() -> Tensor");
  m.def("graph_abandon() -> ()");
  m.def("graph_replay(int graph) -> ()");
  m.def("graph_release(int graph) -> ()");
  // A copy on the CPU that is complete once the download, a number, has been finished with `waits`.
  m.def("download_start(Tensor x) -> (Tensor copy, Tensor download)");
  m.def("download_finish(int download, bool waits) -> ()");

  // Prefill: many tokens a sequence. With `activate` query and key pass silu first.
  m.def(
      "gated_delta_rule_chunked(Tensor query, Tensor key, Tensor value, Tensor write_strength, "
      "Tensor log_decay, Tensor(a!) memory, float scale, bool normalize, bool activate) -> Tensor");
  // The same without writing in place, differentiable; for CUDA only.
  m.def(
      "gated_delta_rule(Tensor query, Tensor key, Tensor value, Tensor write_strength, "
      "Tensor log_decay, Tensor memory, float scale, bool normalize, bool activate) "
      "-> (Tensor out, Tensor memory)");
  m.def(
      "gated_delta_rule_backward(Tensor of_out, Tensor? of_memory, Tensor query, Tensor key, "
      "Tensor value, Tensor write_strength, Tensor log_decay, Tensor memory, float scale, "
      "bool normalize, bool activate) -> (Tensor query, Tensor key, Tensor value, "
      "Tensor write_strength, Tensor log_decay, Tensor memory)");
  m.def(
      "gated_delta_rule_step(Tensor query, Tensor key, Tensor value, Tensor write_strength, "
      "Tensor log_decay, Tensor(a!) memory, float scale, bool normalize) -> Tensor");
  m.def("dynamic_convolution(Tensor x, Tensor kernels, Tensor(a!) window, bool activate) -> Tensor");
  // Its taps made from `inner`, differentiable; for CUDA only.
  m.def(
      "generated_convolution(Tensor x, Tensor inner, Tensor weight, Tensor bias, Tensor window) "
      "-> Tensor");
  // Whether operators of this thread keep for their gradients what these could make again; for CUDA only.
  m.def("set_traces(bool keeps) -> ()");
  m.def("rms_norm(Tensor x, Tensor weight, float eps) -> Tensor");
  m.def(
      "add_rms_norm(Tensor residual, Tensor x, Tensor weight, float eps) "
      "-> (Tensor sum, Tensor normalized)");
  m.def("gated_rms_norm(Tensor x, Tensor gate, Tensor weight, float eps) -> Tensor");
  m.def("swiglu(Tensor gate_up) -> Tensor");
  m.def("rotary(Tensor x, Tensor cos, Tensor sin) -> Tensor");
}
