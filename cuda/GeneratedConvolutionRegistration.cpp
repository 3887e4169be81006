// GeneratedConvolutionRegistration.cpp: the CUDA implementation of jet::generated_convolution and its gradients, for libtorch's
// dispatcher.

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "Checks.h"
#include "GeneratedConvolution.h"

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
  TORCH_CHECK(tensor.scalar_type() == at::kBFloat16, kName, ": ", name, " is ", tensor.toString(), ", expected bfloat16.");
  return {tensor.const_data_ptr(), tensor.stride(0), tensor.stride(1)};
}

GeneratedConvolutionCall checked(const at::Tensor &x, const at::Tensor &inner, const at::Tensor &weight,
                                 const at::Tensor &bias, const at::Tensor &window) {
  TORCH_CHECK(x.dim() == 3 && inner.dim() == 3 && x.size(2) > 0 && x.size(2) % 64 == 0 && inner.size(2) > 0 &&
                  inner.size(2) % 8 == 0 && inner.size(2) <= kMostInner,
              kName, ": x is ", x.sizes(), " and inner ", inner.sizes(),
              ", expected [batch, tokens, channels] and [batch, tokens, inner width] with a multiple of 64 channels and an "
              "inner width that is a multiple of 8 and at most ", kMostInner, ".");
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

/// Work space for silu of the inner layer.
at::Tensor factors_of(GeneratedConvolutionCall &call, const at::Tensor &like) {
  int64_t bytes = generated_convolution_bytes(call.batch, call.tokens, call.inner_width);
  at::Tensor factors = at::empty({bytes}, like.options().dtype(at::kByte));
  call.factors = factors.mutable_data_ptr();
  return factors;
}

at::Tensor convolved(const at::Tensor &any_x, const at::Tensor &any_inner, const at::Tensor &any_weight,
                     const at::Tensor &bias, const at::Tensor &window) {
  c10::cuda::CUDAGuard guard(any_x.device());
  const at::Tensor x = with_whole_rows(any_x), inner = with_whole_rows(any_inner), weight = whole(any_weight);
  GeneratedConvolutionCall call = checked(x, inner, weight, bias, window);
  at::Tensor y = at::empty(x.sizes(), x.options());
  if (y.numel() == 0) return y;
  at::Tensor factors = factors_of(call, x);
  call.y = y.mutable_data_ptr();
  check_launch(generated_convolution(call), kName);
  return y;
}

/// Where the gradient of `x` is written, in whole rows: in its place among those of other pieces of a product, or in a
/// tensor of its own. The library that cuts into pieces may be missing.
at::Tensor gradient_of(const at::Tensor &x) {
  auto place = c10::Dispatcher::singleton().findSchema({"jet_fused::gradient_place", ""});
  at::Tensor found = place ? place->typed<at::Tensor(const at::Tensor &)>().call(x) : at::Tensor();
  return found.defined() && has_whole_rows(found) ? found : at::empty(x.sizes(), x.options());
}

/// Gradients of x, inner, weight and bias.
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> convolved_backward(
    const at::Tensor &of_y, const at::Tensor &any_x, const at::Tensor &any_inner, const at::Tensor &any_weight,
    const at::Tensor &bias, const at::Tensor &window) {
  at::AutoDispatchBelowADInplaceOrView below;
  c10::cuda::CUDAGuard guard(any_x.device());
  const at::Tensor x = with_whole_rows(any_x), inner = with_whole_rows(any_inner), weight = whole(any_weight);
  GeneratedConvolutionCall call = checked(x, inner, weight, bias, window);
  at::Tensor incoming = whole(of_y);
  check_tensor(kName, "the gradient of the result", incoming, x, at::kBFloat16, x.sizes());
  at::Tensor of_x = gradient_of(any_x), of_inner = gradient_of(any_inner), of_bias = at::empty(bias.sizes(), x.options());
  int64_t rows = x.size(0) * x.size(1), width = inner.size(2);
  at::Tensor of_taps = at::empty({rows, weight.size(0)}, x.options()), activated = at::empty({rows, width}, x.options());
  if (x.numel() > 0) {
    at::Tensor factors = factors_of(call, x);
    at::Tensor sums = at::empty({generated_convolution_sums(call)}, x.options().dtype(at::kFloat));
    call.activated = activated.mutable_data_ptr();
    check_launch(generated_convolution_factors(call), kName);
    GeneratedConvolutionGradients gradients{incoming.const_data_ptr(), of_x.mutable_data_ptr(), of_x.stride(0),
                                            of_x.stride(1), of_taps.mutable_data_ptr(), of_bias.mutable_data_ptr(),
                                            sums.mutable_data_ptr<float>()};
    check_launch(generated_convolution_gradients(call, gradients), kName);
  } else {
    of_bias.zero_();
  }
  at::Tensor of_weights = at::mm(of_taps.t(), activated);
  at::silu_backward_out(of_inner, at::mm(of_taps, weight).view(inner.sizes()), inner);
  return {of_x, of_inner, of_weights, of_bias};
}

/// Keeps the inputs only. No gradient flows to the window.
struct GeneratedConvolution : torch::autograd::Function<GeneratedConvolution> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &inner,
                            const at::Tensor &weight, const at::Tensor &bias, const at::Tensor &window) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->save_for_backward({x, inner, weight, bias, window});
    return convolved(x, inner, weight, bias, window);
  }

  static variable_list backward(AutogradContext *context, const variable_list &incoming) {
    auto saved = context->get_saved_variables();
    auto [x, inner, weight, bias] = convolved_backward(incoming[0], saved[0], saved[1], saved[2], saved[3], saved[4]);
    return {x, inner, weight, bias, at::Tensor()};
  }
};

/// The same with taps in device memory, on cards without the kernel.
at::Tensor composed(const at::Tensor &x, const at::Tensor &inner, const at::Tensor &weight, const at::Tensor &bias,
                    const at::Tensor &window) {
  using Convolution = at::Tensor(const at::Tensor &, const at::Tensor &, const at::Tensor &);
  static const auto convolution =
      c10::Dispatcher::singleton().findSchemaOrThrow("jet_fused::dynamic_convolution", "").typed<Convolution>();
  return convolution.call(x, at::linear(at::silu(inner), weight, bias), window);
}

at::Tensor differentiable(const at::Tensor &x, const at::Tensor &inner, const at::Tensor &weight, const at::Tensor &bias,
                          const at::Tensor &window) {
  c10::cuda::CUDAGuard guard(x.device());
  if (!has_generated_convolution()) return composed(x, inner, weight, bias, window);
  return GeneratedConvolution::apply(x, inner, weight, bias, window);
}

}  // namespace
}  // namespace jet::cuda

TORCH_LIBRARY_IMPL(jet, CUDA, m) {
  m.impl("generated_convolution", &jet::cuda::convolved);
  m.impl("generated_convolution_backward", &jet::cuda::convolved_backward);
}

TORCH_LIBRARY_IMPL(jet, AutogradCUDA, m) { m.impl("generated_convolution", &jet::cuda::differentiable); }
