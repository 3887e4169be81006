// Library.cpp: the schema of every jet:: operator. Implementations register themselves beside their
// code with TORCH_LIBRARY_IMPL(jet, CPU, m). `Tensor(a!)` marks an argument that is changed in place.

#include <torch/library.h>

#include "include/CJetKernels.h"

extern "C" void jet_kernels_link(void) {}

TORCH_LIBRARY(jet, m) {
  // Decode: one token a sequence.
  // Layers in a row, half a layer a stage. Each stage has a kind, a number of heads (of the MLP 0) and, in
  // the order given here, its tensors and its numbers:
  //   0 MLP         norm, gate_up, down; eps
  //   1 attention   norm, qkv, qkv_bias?, q_norm?, k_norm?, cos, sin, keys (changed), values (changed),
  //                 slots, counts, output; eps, scale
  //   2 JetBlock    norm, input, generator, generator_bias, a_log, dt_bias, window (changed),
  //                 memory (changed), output_norm, output; eps, output_eps
  m.def(
      "layers_step(Tensor x, int[] kinds, int[] heads, float[] reals, Tensor?[] tensors) -> Tensor");
  m.def("head_step(Tensor x, Tensor? norm, float eps, Tensor weight, Tensor? bias) -> Tensor");

  // Prefill: many tokens a sequence.
  m.def(
      "gated_delta_rule_chunked(Tensor query, Tensor key, Tensor value, Tensor write_strength, "
      "Tensor log_decay, Tensor(a!) memory, float scale, bool normalize) -> Tensor");
  // The same without writing in place, differentiable; for CUDA only.
  m.def(
      "gated_delta_rule(Tensor query, Tensor key, Tensor value, Tensor write_strength, "
      "Tensor log_decay, Tensor memory, float scale, bool normalize) -> (Tensor out, Tensor memory)");
  m.def(
      "gated_delta_rule_backward(Tensor of_out, Tensor? of_memory, Tensor query, Tensor key, "
      "Tensor value, Tensor write_strength, Tensor log_decay, Tensor memory, float scale, "
      "bool normalize) -> (Tensor query, Tensor key, Tensor value, Tensor write_strength, "
      "Tensor log_decay, Tensor memory)");
  m.def(
      "gated_delta_rule_step(Tensor query, Tensor key, Tensor value, Tensor write_strength, "
      "Tensor log_decay, Tensor(a!) memory, float scale, bool normalize) -> Tensor");
  m.def(
      "dynamic_convolution(Tensor x, Tensor kernels, Tensor(a!) window, bool activate) -> Tensor");
  m.def("rms_norm(Tensor x, Tensor weight, float eps) -> Tensor");
  m.def(
      "add_rms_norm(Tensor residual, Tensor x, Tensor weight, float eps) "
      "-> (Tensor sum, Tensor normalized)");
  m.def("gated_rms_norm(Tensor x, Tensor gate, Tensor weight, float eps) -> Tensor");
  m.def("swiglu(Tensor gate_up) -> Tensor");
  m.def("rotary(Tensor x, Tensor cos, Tensor sin) -> Tensor");
}
