// Elementwise.cpp: jet_fused::swiglu and rotary with their gradients, and the gradient of silu; see Elementwise.cu.inc
// for the formulas. swiglu: [..., 2F] to [..., F], F a multiple of 4. rotary: x [B, T, H, W], cos and sin float32 [B or
// 1, T, W], W a multiple of 8; the result is contiguous.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "Launch.h"
#include "Pieces.h"

namespace jet::fused {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

struct SwiGLU : torch::autograd::Function<SwiGLU> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &any) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto x = packed(any);
    const int64_t width = x.size(-1) / 2;
    TORCH_CHECK(width % 4 == 0 && x.size(-1) % 2 == 0, "swiglu: rows of ", x.size(-1), " do not fit");
    auto shape = x.sizes().vec();
    shape.back() = width;
    at::Tensor y = at::empty(shape, x.options());
    launch("swiglu", x, threads_for(y.numel() / 4), x.const_data_ptr(), y.mutable_data_ptr(),
           static_cast<long long>(y.numel() / std::max<int64_t>(width, 1)), static_cast<int>(width));
    context->save_for_backward({x});
    return y;
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto x = context->get_saved_variables()[0];
    const auto dy = packed(given[0]);
    at::Tensor dx = at::empty(x.sizes(), x.options());
    const int64_t width = dy.size(-1);
    launch("swiglu_backward", x, threads_for(dy.numel() / 4), dy.const_data_ptr(), x.const_data_ptr(),
           dx.mutable_data_ptr(), static_cast<long long>(dy.numel() / std::max<int64_t>(width, 1)),
           static_cast<int>(width));
    return {dx};
  }
};

at::Tensor turned(const at::Tensor &any, const at::Tensor &cosines, const at::Tensor &sines, float sign) {
  Rows layout;
  const auto x = with_rows(any, layout);
  const int64_t width = x.size(3), heads = x.size(2), rows = x.numel() / std::max<int64_t>(width, 1);
  at::Tensor y = at::empty(x.sizes(), x.options());
  launch("rotary", x, threads_for(rows * (width / 8)), x.const_data_ptr(), layout, numbers<float>(cosines),
         numbers<float>(sines), y.mutable_data_ptr(), static_cast<long long>(rows), static_cast<int>(heads),
         static_cast<long long>(cosines.size(0) * cosines.size(1)), sign);
  return y;
}

struct Rotary : torch::autograd::Function<Rotary> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &cosines,
                            const at::Tensor &sines) {
    at::AutoDispatchBelowADInplaceOrView guard;
    TORCH_CHECK(x.dim() == 4 && x.size(3) % 8 == 0 && cosines.dim() == 3 && cosines.is_contiguous() &&
                    sines.is_contiguous() && cosines.sizes() == sines.sizes() && cosines.size(1) == x.size(1) &&
                    cosines.size(2) == x.size(3) && (cosines.size(0) == 1 || cosines.size(0) == x.size(0)),
                "rotary: x ", x.sizes(), " and angles ", cosines.sizes(), " do not fit");
    context->save_for_backward({cosines, sines});
    return turned(x, cosines, sines, 1);
  }

  static variable_list backward(AutogradContext *context, variable_list given) {
    const auto saved = context->get_saved_variables();
    return {turned(given[0], saved[0], saved[1], -1), Variable(), Variable()};
  }
};

/// From the gradient of silu(x) that of x, in its place.
at::Tensor silu_backward(const at::Tensor &given, const at::Tensor &any) {
  TORCH_CHECK(given.sizes() == any.sizes() && given.scalar_type() == any.scalar_type() && any.dim() > 0 &&
                  any.size(-1) % 4 == 0,
              "silu_backward: ", given.sizes(), " ", given.scalar_type(), " for ", any.sizes(), " ", any.scalar_type());
  const int width = static_cast<int>(any.size(-1));
  Rows layout, places{width, 1, width};
  const auto x = with_rows(any, layout);
  const auto dy = packed(given);
  at::Tensor dx = gradient_in_place(any, places);
  launch("silu_backward", x, threads_for(x.numel() / 4), dy.const_data_ptr(), x.const_data_ptr(), layout,
         dx.mutable_data_ptr(), places, static_cast<long long>(x.numel()));
  return dx;
}

at::Tensor swiglu(const at::Tensor &x) { return SwiGLU::apply(x); }

at::Tensor rotary(const at::Tensor &x, const at::Tensor &cosines, const at::Tensor &sines) {
  return Rotary::apply(x, cosines, sines);
}

}  // namespace
}  // namespace jet::fused

TORCH_LIBRARY_IMPL(jet_fused, AutogradCUDA, m) {
  m.impl("swiglu", &jet::fused::swiglu);
  m.impl("rotary", &jet::fused::rotary);
}

// For operators that apply silu themselves.
TORCH_LIBRARY_IMPL(jet_fused, CUDA, m) { m.impl("silu_backward", &jet::fused::silu_backward); }
