// GeneratedConvolutionRegistration.cpp: the CUDA implementation of jet::generated_convolution and its gradients, for
// libtorch's dispatcher.

#include <ATen/ATen.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/library.h>

#include "Checks.h"
#include "GeneratedConvolution.h"
#include "Operators.h"
#include "Traces.h"

namespace jet::cuda {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr const char *kName = "generated_convolution";

bool lies_on_16_bytes(const at::Tensor &x) { return reinterpret_cast<uintptr_t>(x.const_data_ptr()) % 16 == 0; }

/// Whether the rows of `x` can be moved 16 bytes at a time.
bool has_whole_rows(const at::Tensor &x) {
  auto goes_on = [&](int64_t dim) { return x.size(dim) == 1 || (x.stride(dim) > 0 && x.stride(dim) % 8 == 0); };
  return x.dim() == 3 && x.stride(2) == 1 && goes_on(0) && goes_on(1) && lies_on_16_bytes(x);
}

/// `x`, or a copy of it, whose rows can be moved 16 bytes at a time.
at::Tensor with_whole_rows(const at::Tensor &x) {
  return has_whole_rows(x) ? x : x.clone(at::MemoryFormat::Contiguous);
}

/// `x`, or a copy of it, without gaps and aligned to 16 bytes.
at::Tensor whole(const at::Tensor &x) {
  return x.is_contiguous() && lies_on_16_bytes(x) ? x : x.clone(at::MemoryFormat::Contiguous);
}

SequenceRows checked_rows(const char *name, const at::Tensor &tensor, const at::Tensor &like, at::IntArrayRef shape) {
  check_rows(kName, name, tensor, like, shape);
  TORCH_CHECK(tensor.scalar_type() == at::kBFloat16, kName, ": ", name, " is ", tensor.toString(),
              ", expected bfloat16.");
  return {tensor.const_data_ptr(), tensor.stride(0), tensor.stride(1)};
}

GeneratedConvolutionCall checked(const at::Tensor &x, const at::Tensor &inner, const at::Tensor &weight,
                                 const at::Tensor &bias, const at::Tensor &window) {
  TORCH_CHECK(
      x.dim() == 3 && inner.dim() == 3 && x.size(2) > 0 && x.size(2) % 64 == 0 && inner.size(2) > 0 &&
          inner.size(2) % 8 == 0 && inner.size(2) <= kMostInner,
      kName, ": x is ", x.sizes(), " and inner ", inner.sizes(),
      ", expected [batch, tokens, channels] and [batch, tokens, inner width] with a multiple of 64 channels and an "
      "inner width that is a multiple of 8 and at most ",
      kMostInner, ".");
  TORCH_CHECK(has_generated_convolution(), kName, ": this GPU has another compute capability than 9.0.");
  int64_t batch = x.size(0), tokens = x.size(1), channels = x.size(2), width = inner.size(2);
  TORCH_CHECK(batch * ((tokens + 63) / 64) < (int64_t(1) << 30) && channels < (int64_t(1) << 24), kName, ": x is ",
              x.sizes(), ", too large for one call.");
  GeneratedConvolutionCall call{};
  call.batch = static_cast<int>(batch);
  call.tokens = static_cast<int>(tokens);
  call.channels = static_cast<int>(channels);
  call.inner_width = static_cast<int>(width);
  call.x = checked_rows("x", x, x, {batch, tokens, channels});
  call.inner = checked_rows("inner", inner, x, {batch, tokens, width});
  check_tensor(kName, "weight", weight, x, at::kBFloat16, {channels * kGeneratedTaps, width});
  check_tensor(kName, "bias", bias, x, at::kBFloat16, {channels * kGeneratedTaps});
  check_tensor(kName, "window", window, x, at::kBFloat16, {batch, channels, kGeneratedTaps});
  call.weight = weight.const_data_ptr();
  call.bias = bias.const_data_ptr();
  call.window = window.const_data_ptr();
  call.stream = c10::cuda::getCurrentCUDAStream(x.device().index());
  return call;
}

/// What a training pass may leave of a call for its gradients; beyond it they make the taps again. (8 sequences of
/// 4,096 tokens with 3,072 channels leave 0.83 GB.)
constexpr int64_t kTraceBytes = int64_t(2) << 30;

/// What the gradients read beside the inputs.
struct Trace {
  at::Tensor activated;  // silu(inner) [B·T, R]
  at::Tensor taps;       // [B, T, 4·D]
};

/// - trace: is made and written; null for nothing.
at::Tensor convolved(const at::Tensor &any_x, const at::Tensor &any_inner, const at::Tensor &any_weight,
                     const at::Tensor &bias, const at::Tensor &window, Trace *trace) {
  c10::cuda::CUDAGuard guard(any_x.device());
  const at::Tensor x = with_whole_rows(any_x), inner = with_whole_rows(any_inner), weight = whole(any_weight);
  GeneratedConvolutionCall call = checked(x, inner, weight, bias, window);
  at::Tensor y = at::empty(x.sizes(), x.options());
  if (trace) {
    *trace = {at::empty({x.size(0) * x.size(1), inner.size(2)}, x.options()),
              at::empty({x.size(0), x.size(1), weight.size(0)}, x.options())};
    call.activated = trace->activated.mutable_data_ptr();
    call.taps = trace->taps.mutable_data_ptr();
  }
  if (y.numel() == 0) return y;
  int64_t bytes = generated_convolution_bytes(call.batch, call.tokens, call.inner_width);
  at::Tensor factors = at::empty({bytes}, x.options().dtype(at::kByte));
  call.factors = factors.mutable_data_ptr();
  call.y = y.mutable_data_ptr();
  check_launch(generated_convolution(call), kName);
  return y;
}

at::Tensor convolved_alone(const at::Tensor &x, const at::Tensor &inner, const at::Tensor &weight,
                           const at::Tensor &bias, const at::Tensor &window) {
  return convolved(x, inner, weight, bias, window, nullptr);
}

/// The convolution with given kernels, and its gradients; both run on every card.
using Convolution = at::Tensor(const at::Tensor &, const at::Tensor &, const at::Tensor &);
using ConvolutionBackward = std::tuple<at::Tensor, at::Tensor, at::Tensor>(const at::Tensor &, const at::Tensor &,
                                                                           const at::Tensor &, const at::Tensor &);

/// Gradients of x, inner, weight and bias.
using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

Gradients convolved_backward(const at::Tensor &of_y, const at::Tensor &x, const at::Tensor &inner,
                             const at::Tensor &weight, const at::Tensor &window, const Trace &trace) {
  at::AutoDispatchBelowADInplaceOrView below;
  c10::cuda::CUDAGuard guard(x.device());
  static const auto backward = find_operator<ConvolutionBackward>("jet_fused::dynamic_convolution_backward");
  auto [of_x, of_taps, of_bias] = backward.call(of_y, x, trace.taps, window);
  at::Tensor rows = of_taps.view({-1, weight.size(0)});
  at::Tensor of_weight = at::mm(rows.t(), trace.activated);
  static const auto before_silu =
      find_operator<at::Tensor(const at::Tensor &, const at::Tensor &)>("jet_fused::silu_backward");
  at::Tensor of_inner = before_silu.call(at::mm(rows, weight).view(inner.sizes()), inner);
  return {of_x, of_inner, of_weight, of_bias};
}

/// The same without a trace: the taps are made again.
Gradients convolved_backward_again(const at::Tensor &of_y, const at::Tensor &x, const at::Tensor &inner,
                                   const at::Tensor &weight, const at::Tensor &bias, const at::Tensor &window) {
  at::AutoDispatchBelowADInplaceOrView below;
  at::Tensor activated = at::silu(inner);
  at::Tensor taps = at::linear(activated, weight, bias);
  return convolved_backward(of_y, x, inner, weight, window, {activated.view({-1, weight.size(1)}), taps});
}

/// Keeps the inputs, and the trace where it is small enough. No gradient flows to the window.
struct GeneratedConvolution : torch::autograd::Function<GeneratedConvolution> {
  /// - wants_gradients: whether anybody can ask for them.
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &inner,
                            const at::Tensor &weight, const at::Tensor &bias, const at::Tensor &window,
                            bool wants_gradients) {
    at::AutoDispatchBelowADInplaceOrView guard;
    bool leaves_trace = wants_gradients && keeps_traces() &&
                        (kGeneratedTaps * x.numel() + inner.numel()) * x.element_size() <= kTraceBytes;
    Trace trace;
    at::Tensor y = convolved(x, inner, weight, bias, window, leaves_trace ? &trace : nullptr);
    variable_list saved{x, inner, weight, bias, window};
    if (leaves_trace) saved.insert(saved.end(), {trace.activated, trace.taps});
    context->save_for_backward(std::move(saved));
    return y;
  }

  static variable_list backward(AutogradContext *context, const variable_list &incoming) {
    auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &inner = saved[1], &weight = saved[2], &bias = saved[3], &window = saved[4];
    auto [of_x, of_inner, of_weight, of_bias] =
        saved.size() > 5 ? convolved_backward(incoming[0], x, inner, weight, window, {saved[5], saved[6]})
                         : convolved_backward_again(incoming[0], x, inner, weight, bias, window);
    return {of_x, of_inner, of_weight, of_bias, at::Tensor(), at::Tensor()};
  }
};

/// The same with taps in device memory, on cards without the kernel.
at::Tensor composed(const at::Tensor &x, const at::Tensor &inner, const at::Tensor &weight, const at::Tensor &bias,
                    const at::Tensor &window) {
  static const auto convolution = find_operator<Convolution>("jet_fused::dynamic_convolution");
  return convolution.call(x, at::linear(at::silu(inner), weight, bias), window);
}

at::Tensor differentiable(const at::Tensor &x, const at::Tensor &inner, const at::Tensor &weight,
                          const at::Tensor &bias, const at::Tensor &window) {
  c10::cuda::CUDAGuard guard(x.device());
  if (!has_generated_convolution()) return composed(x, inner, weight, bias, window);
  bool wants_gradients = torch::autograd::compute_requires_grad(x, inner, weight, bias);
  return GeneratedConvolution::apply(x, inner, weight, bias, window, wants_gradients);
}

}  // namespace
}  // namespace jet::cuda

TORCH_LIBRARY_IMPL(jet, CUDA, m) { m.impl("generated_convolution", &jet::cuda::convolved_alone); }

TORCH_LIBRARY_IMPL(jet, AutogradCUDA, m) { m.impl("generated_convolution", &jet::cuda::differentiable); }
