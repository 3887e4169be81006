// Library.cpp: the schema of every jet_fused:: operator. Each stands in a file with its gradient.
#include <torch/library.h>

#include "include/CJetFused.h"

extern "C" void jet_fused_link(void) {}

TORCH_LIBRARY(jet_fused, m) {
  m.def("rms_norm(Tensor x, Tensor weight, float eps) -> Tensor");
  m.def("add_rms_norm(Tensor residual, Tensor x, Tensor weight, float eps) -> (Tensor sum, Tensor normalized)");
  m.def("gated_rms_norm(Tensor x, Tensor gate, Tensor weight, float eps) -> Tensor");
  m.def("silu_backward(Tensor of_out, Tensor x) -> Tensor");
  m.def("swiglu(Tensor gate_up) -> Tensor");
  m.def("rotary(Tensor x, Tensor cos, Tensor sin) -> Tensor");
  m.def("short_convolution(Tensor x, Tensor weight, Tensor? bias, Tensor window) -> Tensor");
  m.def("dynamic_convolution(Tensor x, Tensor kernels, Tensor window) -> Tensor");
  // The last is the sum of the kernels' gradients over all tokens.
  m.def(
      "dynamic_convolution_backward(Tensor of_out, Tensor x, Tensor kernels, Tensor window) -> (Tensor of_x, Tensor "
      "of_kernels, Tensor of_bias)");
  m.def(
      "decay_gates(Tensor decay, Tensor write, Tensor log_rate, Tensor step_bias) -> (Tensor write_strength, Tensor "
      "log_decay)");
  m.def("decay_triangle(Tensor sums, bool narrow) -> Tensor");
  m.def("unit_lower_inverse(Tensor a) -> Tensor");
  m.def("pieces(Tensor(a -> *) merged, int[] lengths) -> Tensor(a)[]");
  m.def("gradient_place(Tensor piece) -> Tensor");
  m.def("relative_error(Tensor given, Tensor wanted) -> Tensor");
  m.def(
      "logit_loss(Tensor logits, Tensor? wanted, Tensor targets, Tensor entropy_weight, float divergence_weight, "
      "float temperature) -> (Tensor entropies, Tensor divergences, Tensor gradient)");
}
