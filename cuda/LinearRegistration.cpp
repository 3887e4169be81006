// LinearRegistration.cpp: jet::linear_step for libtorch's dispatcher.
#include <ATen/ATen.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include "LinearStep.h"

namespace jet::cuda {
namespace {

void check_launch(cudaError_t error, const char *kernel) {
  TORCH_CHECK(error == cudaSuccess, kernel, ": CUDA reports: ", cudaGetErrorString(error));
}

void check_operand(const char *name, const at::Tensor &tensor, const at::Tensor &x, at::IntArrayRef shape) {
  bool rows = tensor.dim() == 0 || tensor.size(-1) <= 1 || tensor.stride(-1) == 1;
  TORCH_CHECK(
      tensor.device() == x.device() && tensor.scalar_type() == x.scalar_type() && tensor.sizes() == shape && rows,
      "linear_step: ", name, " is ", tensor.toString(), " ", tensor.sizes(), " with strides ", tensor.strides(), " on ",
      tensor.device(), ", expected ", x.scalar_type(), " ", shape, " on ", x.device(),
      " with a contiguous last dimension.");
}

void check_operand(const char *name, const std::optional<at::Tensor> &tensor, const at::Tensor &x,
                   at::IntArrayRef shape) {
  if (tensor) check_operand(name, *tensor, x, shape);
}

const void *data(const std::optional<at::Tensor> &tensor) { return tensor ? tensor->const_data_ptr() : nullptr; }

Rows rows(const std::optional<at::Tensor> &tensor) {
  return tensor ? Rows{tensor->const_data_ptr(), tensor->stride(0)} : Rows{nullptr, 0};
}

LinearStepCall checked(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                       const std::optional<at::Tensor> &norm, double eps, bool activates_input, bool gates_output,
                       const std::optional<at::Tensor> &residual) {
  TORCH_CHECK(x.dim() == 2 && weight.dim() == 2 && x.size(1) > 0 && weight.size(0) > 0, "linear_step: x is ", x.sizes(),
              " and weight ", weight.sizes(), ", expected x [sequences, in] and weight [out, in].");
  TORCH_CHECK(x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16, "linear_step: x is ", x.toString(),
              ", expected float32 or bfloat16.");
  int64_t weight_rows = weight.size(0);
  TORCH_CHECK(!gates_output || weight_rows % 2 == 0, "linear_step: weight ", weight.sizes(),
              " has an odd number of rows, expected as many that gate as are gated.");
  int64_t out = gates_output ? weight_rows / 2 : weight_rows;
  check_operand("x", x, x, {x.size(0), x.size(1)});
  check_operand("weight", weight, x, {weight_rows, x.size(1)});
  TORCH_CHECK(weight.is_contiguous(), "linear_step: weight has strides ", weight.strides(),
              ", expected a contiguous tensor.");
  check_operand("bias", bias, x, {weight_rows});
  check_operand("norm", norm, x, {x.size(1)});
  check_operand("residual", residual, x, {x.size(0), out});
  TORCH_CHECK(x.size(0) <= INT32_MAX && x.size(1) <= INT32_MAX && weight_rows <= INT32_MAX, "linear_step: x ",
              x.sizes(), " or weight ", weight.sizes(), " is too large.");
  LinearStepCall call{};
  call.rows = static_cast<int>(x.size(0));
  call.in = static_cast<int>(x.size(1));
  call.out = static_cast<int>(out);
  call.x = rows(x);
  call.weight = weight.const_data_ptr();
  call.bias = data(bias);
  call.norm = data(norm);
  call.eps = static_cast<float>(eps);
  call.activates_input = activates_input;
  call.gates_output = gates_output;
  call.residual = rows(residual);
  call.stream = c10::cuda::getCurrentCUDAStream(x.device().index());
  return call;
}

/// By libtorch's product.
at::Tensor with_library(LinearStepCall call, const at::Tensor &x, const at::Tensor &weight,
                        const std::optional<at::Tensor> &bias) {
  bool half = x.scalar_type() == at::kBFloat16;
  at::Tensor prepared = x;
  if (call.norm || call.activates_input) {
    prepared = at::empty(x.sizes(), x.options());
    check_launch(prepare_rows(call, half, prepared.mutable_data_ptr()), "linear_step_prepare");
  }
  at::Tensor product = at::linear(prepared, weight, bias);
  if (!call.gates_output && !call.residual.data) return product;
  product = product.contiguous();
  at::Tensor result = at::empty({call.rows, call.out}, x.options());
  call.result = result.mutable_data_ptr();
  check_launch(finish_rows(call, half, product.const_data_ptr()), "linear_step_finish");
  return result;
}

at::Tensor linear_step(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                       const std::optional<at::Tensor> &norm, double eps, bool activates_input, bool gates_output,
                       const std::optional<at::Tensor> &residual) {
  at::AutoDispatchBelowADInplaceOrView without_gradients;
  c10::cuda::CUDAGuard guard(x.device());
  LinearStepCall call = checked(x, weight, bias, norm, eps, activates_input, gates_output, residual);
  if (call.rows == 0) return at::empty({0, call.out}, x.options());
  bool fits = false;
  if (x.scalar_type() == at::kBFloat16) check_launch(linear_step_fits(call, fits), "linear_step");
  if (!fits) return with_library(call, x, weight, bias);
  at::Tensor result = at::empty({call.rows, call.out}, x.options());
  call.result = result.mutable_data_ptr();
  check_launch(linear_step_few(call), "linear_step");
  return result;
}

}  // namespace
}  // namespace jet::cuda

TORCH_LIBRARY_IMPL(jet, CUDA, m) { m.impl("linear_step", &jet::cuda::linear_step); }
