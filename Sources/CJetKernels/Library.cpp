// Library.cpp: the schema of every jet:: operator. Implementations register themselves beside their
// code with TORCH_LIBRARY_IMPL(jet, CPU, m). `Tensor(a!)` marks an argument that is changed in place.

#include <torch/library.h>

#include "include/CJetKernels.h"

extern "C" void jet_kernels_link(void) {}

TORCH_LIBRARY(jet, m) {
  // Decode: one token a sequence.
  m.def("mlp_step(Tensor x, Tensor norm, float eps, Tensor gate_up, Tensor down) -> Tensor");
  m.def(
      "attention_step(Tensor x, Tensor norm, float eps, Tensor qkv, Tensor? qkv_bias, "
      "Tensor? q_norm, Tensor? k_norm, Tensor cos, Tensor sin, Tensor(a!) keys, "
      "Tensor(b!) values, Tensor slots, Tensor counts, Tensor output, int heads, float scale) "
      "-> Tensor");
  m.def(
      "jet_block_step(Tensor x, Tensor norm, float eps, Tensor input, Tensor generator, "
      "Tensor generator_bias, Tensor a_log, Tensor dt_bias, Tensor(a!) window, "
      "Tensor(b!) memory, Tensor output_norm, float output_eps, Tensor output, int heads) "
      "-> Tensor");
  m.def("head_step(Tensor x, Tensor? norm, float eps, Tensor weight, Tensor? bias) -> Tensor");

  // Prefill: many tokens a sequence.
  m.def(
      "gated_delta_rule_chunked(Tensor query, Tensor key, Tensor value, Tensor write_strength, "
      "Tensor log_decay, Tensor(a!) memory, float scale, bool normalize) -> Tensor");
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
