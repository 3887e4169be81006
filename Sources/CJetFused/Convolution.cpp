// Convolution.cpp: jet_fused::short_convolution and dynamic_convolution with their gradients; see Convolution.cu.inc
// and ConvolutionGradients.cu.inc. x [B, T, D], D a multiple of 4; window [B, D, 4]; weight [D, 4] and bias [D], or
// kernels [B, T, D·4]; all of one type. No gradient flows to the window.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "ColumnSums.h"
#include "Launch.h"
#include "Pieces.h"

namespace jet::fused {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

/// Tokens that a thread walks over; long runs read less twice, short ones make more threads.
constexpr int forward_run = 16, backward_run = 64;

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
  /// How many threads walk over all runs; each has so many channels.
  long long threads(int run, int each = 4) const { return runs(run) * (channels / each); }
};

void check(const char *name, const at::Tensor &x, const at::Tensor &kernels, const at::Tensor &window) {
  TORCH_CHECK(x.dim() == 3 && x.size(2) % 4 == 0 && window.dim() == 3 && window.size(0) == x.size(0) &&
                  window.size(1) == x.size(2) && window.size(2) == 4 && window.is_contiguous() &&
                  window.scalar_type() == x.scalar_type() && kernels.scalar_type() == x.scalar_type(),
              name, ": x ", x.sizes(), ", kernels ", kernels.sizes(), " and window ", window.sizes(), " do not fit");
}

at::Tensor convolved(const char *name, const at::Tensor &any, const at::Tensor &kernels, const at::Tensor &bias,
                     const at::Tensor &window) {
  check(name, any, kernels, window);
  const Shape s(any);
  at::Tensor y = at::empty(s.x.sizes(), s.x.options());
  const long long threads = s.threads(forward_run);
  launch(name, s.x, threads_for(threads), s.x.const_data_ptr(), s.batch_pitch, s.pitch, window.const_data_ptr(),
         kernels.const_data_ptr(), bias.defined() ? bias.const_data_ptr() : nullptr, y.mutable_data_ptr(), s.tokens,
         s.channels, forward_run, threads);
  return y;
}

struct DynamicGradients {
  at::Tensor x, kernels;
  at::Tensor bias;  // [D·4], the sum of `kernels` over all tokens, if it was asked for
};

DynamicGradients dynamic_gradients(const at::Tensor &of_out, const at::Tensor &any_x, const at::Tensor &any_kernels,
                                   const at::Tensor &window, bool sums_up) {
  check("dynamic_convolution_backward", any_x, any_kernels, window);
  const Shape s(any_x);
  const auto dy = packed(of_out), kernels = packed(any_kernels, 8);
  TORCH_CHECK(dy.sizes() == s.x.sizes() && dy.scalar_type() == s.x.scalar_type() && kernels.numel() == 4 * s.x.numel(),
              "dynamic_convolution_backward: ", dy.sizes(), " for ", s.x.sizes(), " with kernels ", kernels.sizes());
  Rows of_x{s.channels, 1, s.channels};
  DynamicGradients found{gradient_in_place(any_x, of_x), at::empty(kernels.sizes(), s.x.options()), {}};
  const auto numbers = s.x.options().dtype(at::kFloat);
  at::Tensor sums = sums_up ? at::empty({s.runs(backward_run), 4 * int64_t(s.channels)}, numbers) : at::Tensor();
  const long long threads = s.threads(backward_run, 2);
  launch("dynamic_convolution_backward", s.x, threads_for(threads), dy.const_data_ptr(), s.x.const_data_ptr(),
         s.batch_pitch, s.pitch, window.const_data_ptr(), kernels.const_data_ptr(), found.x.mutable_data_ptr(),
         of_x.pitch, found.kernels.mutable_data_ptr(), sums_up ? sums.mutable_data_ptr<float>() : nullptr, s.tokens,
         s.channels, backward_run, threads);
  if (sums_up) found.bias = column_sums(sums, s.x.scalar_type());
  return found;
}

struct Short : torch::autograd::Function<Short> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                            const std::optional<at::Tensor> &bias, const at::Tensor &window) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto kernels = packed(weight);
    const auto shift = bias && bias->defined() ? packed(*bias) : at::Tensor();
    context->save_for_backward({x, kernels, shift, window});
    return convolved("short_convolution", x, kernels, shift, window);
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto saved = context->get_saved_variables();
    const Shape s(saved[0]);
    const auto dy = packed(given[0]);
    at::Tensor dx = at::empty(s.x.sizes(), s.x.options());
    const auto numbers = s.x.options().dtype(at::kFloat);
    at::Tensor dkernels = at::empty({s.runs(backward_run), s.channels, 4}, numbers);
    at::Tensor dbias = at::empty({s.runs(backward_run), s.channels}, numbers);
    const long long threads = s.threads(backward_run);
    launch("short_convolution_backward", s.x, threads_for(threads), dy.const_data_ptr(), s.x.const_data_ptr(),
           s.batch_pitch, s.pitch, saved[3].const_data_ptr(), saved[1].const_data_ptr(),
           saved[2].defined() ? saved[2].const_data_ptr() : nullptr, dx.mutable_data_ptr(),
           dkernels.mutable_data_ptr<float>(), dbias.mutable_data_ptr<float>(), s.tokens, s.channels, backward_run,
           threads);
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
    return convolved("dynamic_convolution", x, kernels, {}, window);
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto saved = context->get_saved_variables();
    const auto found = dynamic_gradients(given[0], saved[0], saved[1], saved[2], false);
    return {found.x, found.kernels, Variable()};
  }
};

at::Tensor short_convolution(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                             const at::Tensor &window) {
  return Short::apply(x, weight, bias, window);
}

at::Tensor dynamic_convolution(const at::Tensor &x, const at::Tensor &kernels, const at::Tensor &window) {
  return Dynamic::apply(x, kernels, window);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> dynamic_convolution_backward(const at::Tensor &of_out,
                                                                            const at::Tensor &x,
                                                                            const at::Tensor &kernels,
                                                                            const at::Tensor &window) {
  const auto found = dynamic_gradients(of_out, x, kernels, window, true);
  return {found.x, found.kernels, found.bias};
}

}  // namespace
}  // namespace jet::fused

TORCH_LIBRARY_IMPL(jet_fused, AutogradCUDA, m) {
  m.impl("short_convolution", &jet::fused::short_convolution);
  m.impl("dynamic_convolution", &jet::fused::dynamic_convolution);
}

// For operators that make the kernels themselves.
TORCH_LIBRARY_IMPL(jet_fused, CUDA, m) {
  m.impl("dynamic_convolution_backward", &jet::fused::dynamic_convolution_backward);
}
