// Convolution.cpp: jet_fused::short_convolution and dynamic_convolution with their gradients; see Convolution.cu.inc.
// x [B, T, D], D a multiple of 4; window [B, D, 4]; weight [D, 4] and bias [D], or kernels [B, T, D·4]; all of one type.
// No gradient flows to the window.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "Launch.h"

namespace jet::fused {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

/// Tokens that a thread walks over; long runs read less twice, short ones make more threads.
constexpr int forward_run = 16, backward_run = 64, own_run = 16;

struct Shape {
  at::Tensor x;
  long long batch_pitch, pitch;
  int tokens, channels;

  explicit Shape(const at::Tensor &any) {
    Rows layout;
    x = with_rows(any, layout);
    pitch = layout.pitch;
    tokens = static_cast<int>(x.size(1));
    channels = static_cast<int>(x.size(2));
    batch_pitch = pitch * tokens;
  }

  int64_t runs(int run) const { return x.size(0) * ((tokens + run - 1) / run); }
  long long threads(int run) const { return runs(run) * (channels / 4); }
};

void check(const char *name, const at::Tensor &x, const at::Tensor &kernels, const at::Tensor &window) {
  TORCH_CHECK(x.dim() == 3 && x.size(2) % 4 == 0 && window.dim() == 3 && window.size(0) == x.size(0) &&
                  window.size(1) == x.size(2) && window.size(2) == 4 && window.is_contiguous() &&
                  window.scalar_type() == x.scalar_type() && kernels.scalar_type() == x.scalar_type(),
              name, ": x ", x.sizes(), ", kernels ", kernels.sizes(), " and window ", window.sizes(), " do not fit");
}

at::Tensor convolved(const char *name, const at::Tensor &any, const at::Tensor &kernels, const at::Tensor &bias,
                     const at::Tensor &window, int run) {
  check(name, any, kernels, window);
  const Shape s(any);
  at::Tensor y = at::empty(s.x.sizes(), s.x.options());
  launch(name, s.x, threads_for(s.threads(run)), s.x.const_data_ptr(), s.batch_pitch, s.pitch, window.const_data_ptr(),
         kernels.const_data_ptr(), bias.defined() ? bias.const_data_ptr() : nullptr, y.mutable_data_ptr(), s.tokens,
         s.channels, run, s.threads(run));
  return y;
}

void convolved_backward(const char *name, const Shape &s, const at::Tensor &dy, const at::Tensor &kernels,
                        const at::Tensor &bias, const at::Tensor &window, int run, at::Tensor &dx, at::Tensor &dkernels,
                        float *dbias) {
  launch(name, s.x, threads_for(s.threads(run)), dy.const_data_ptr(), s.x.const_data_ptr(), s.batch_pitch, s.pitch,
         window.const_data_ptr(), kernels.const_data_ptr(), bias.defined() ? bias.const_data_ptr() : nullptr,
         dx.mutable_data_ptr(), dkernels.mutable_data_ptr(), dbias, s.tokens, s.channels, run, s.threads(run));
}

struct Short : torch::autograd::Function<Short> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                            const std::optional<at::Tensor> &bias, const at::Tensor &window) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto kernels = packed(weight);
    const auto shift = bias && bias->defined() ? packed(*bias) : at::Tensor();
    context->save_for_backward({x, kernels, shift, window});
    return convolved("short_convolution", x, kernels, shift, window, forward_run);
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto saved = context->get_saved_variables();
    const Shape s(saved[0]);
    const auto dy = packed(given[0]);
    at::Tensor dx = at::empty(s.x.sizes(), s.x.options());
    const auto numbers = s.x.options().dtype(at::kFloat);
    at::Tensor dkernels = at::empty({s.runs(backward_run), s.channels, 4}, numbers);
    at::Tensor dbias = at::empty({s.runs(backward_run), s.channels}, numbers);
    convolved_backward("short_convolution_backward", s, dy, saved[1], saved[2], saved[3], backward_run, dx, dkernels,
                       dbias.mutable_data_ptr<float>());
    const auto type = saved[1].scalar_type();
    return {dx, dkernels.sum(0).to(type), saved[2].defined() ? dbias.sum(0).to(type) : Variable(), Variable()};
  }
};

struct Dynamic : torch::autograd::Function<Dynamic> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &any,
                            const at::Tensor &window) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto kernels = packed(any);
    context->save_for_backward({x, kernels, window});
    return convolved("dynamic_convolution", x, kernels, {}, window, own_run);
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto saved = context->get_saved_variables();
    const Shape s(saved[0]);
    const auto dy = packed(given[0]);
    at::Tensor dx = at::empty(s.x.sizes(), s.x.options());
    at::Tensor dkernels = at::empty(saved[1].sizes(), s.x.options());
    convolved_backward("dynamic_convolution_backward", s, dy, saved[1], {}, saved[2], own_run, dx, dkernels, nullptr);
    return {dx, dkernels, Variable()};
  }
};

at::Tensor short_convolution(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                             const at::Tensor &window) {
  return Short::apply(x, weight, bias, window);
}

at::Tensor dynamic_convolution(const at::Tensor &x, const at::Tensor &kernels, const at::Tensor &window) {
  return Dynamic::apply(x, kernels, window);
}

}  // namespace
}  // namespace jet::fused

TORCH_LIBRARY_IMPL(jet_fused, AutogradCUDA, m) {
  m.impl("short_convolution", &jet::fused::short_convolution);
  m.impl("dynamic_convolution", &jet::fused::dynamic_convolution);
}
