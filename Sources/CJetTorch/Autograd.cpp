// Gradients by libtorch's engine.
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include "Protect.h"

namespace {

std::vector<at::Tensor> borrow_all(const jt_tensor *handles, int32_t count) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(count);
  for (int32_t i = 0; i < count; ++i) tensors.push_back(jt::borrow(handles[i]));
  return tensors;
}

}  // namespace

bool jt_gradient_mode(void) { return c10::GradMode::is_enabled(); }

void jt_set_gradient_mode(bool enabled) { c10::GradMode::set_enabled(enabled); }

jt_status jt_tensor_set_requires_gradient(jt_tensor tensor, bool required) {
  return jt::protect([&] { jt::borrow(tensor).set_requires_grad(required); });
}

jt_status jt_backward(jt_tensor output, jt_tensor seed, bool keep_graph) {
  return jt::protect([&] { torch::autograd::backward({jt::borrow(output)}, {jt::borrow(seed)}, keep_graph); });
}

jt_status jt_tensor_gradient(jt_tensor tensor, jt_tensor *out) {
  return jt::protect([&] { *out = jt::give(jt::borrow(tensor).grad()); });
}

jt_status jt_tensor_clear_gradient(jt_tensor tensor) {
  return jt::protect([&] { jt::borrow(tensor).mutable_grad().reset(); });
}

jt_status jt_gradients(const jt_tensor *outputs, const jt_tensor *seeds, int32_t output_count, const jt_tensor *inputs,
                       int32_t input_count, bool keep_graph, bool create_graph, jt_tensor *out) {
  return jt::protect([&] {
    auto found = torch::autograd::grad(borrow_all(outputs, output_count), borrow_all(inputs, input_count),
                                       borrow_all(seeds, output_count), keep_graph, create_graph,
                                       /*allow_unused=*/true);
    for (int32_t i = 0; i < input_count; ++i) out[i] = jt::give(std::move(found[i]));
  });
}
