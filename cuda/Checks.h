// Checks.h: what the operators of a decode step ask of their tensors.
#pragma once

#include <ATen/ATen.h>
#include <cuda_runtime_api.h>

namespace jet::cuda {

inline void check_launch(cudaError_t error, const char *kernel) {
  TORCH_CHECK(error == cudaSuccess, kernel, ": CUDA reports: ", cudaGetErrorString(error));
}

/// A contiguous tensor of that type and shape on the device of `like`.
inline void check_tensor(const char *operation, const char *name, const at::Tensor &tensor, const at::Tensor &like,
                         at::ScalarType dtype, at::IntArrayRef shape) {
  TORCH_CHECK(tensor.device() == like.device() && tensor.scalar_type() == dtype && tensor.sizes() == shape &&
                  tensor.is_contiguous(),
              operation, ": ", name, " is ", tensor.toString(), " ", tensor.sizes(), " with strides ", tensor.strides(),
              " on ", tensor.device(), ", expected a contiguous ", dtype, " ", shape, " on ", like.device(), ".");
}

/// float32 or bfloat16.
inline void check_dtype(const char *operation, const char *name, const at::Tensor &tensor) {
  TORCH_CHECK(tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16, operation, ": ", name,
              " is ", tensor.toString(), ", expected float32 or bfloat16.");
}

/// Numbers of that shape, float32 or bfloat16, on the device of `like`, the last dimension contiguous.
inline void check_rows(const char *operation, const char *name, const at::Tensor &tensor, const at::Tensor &like,
                       at::IntArrayRef shape) {
  check_dtype(operation, name, tensor);
  TORCH_CHECK(
      tensor.device() == like.device() && tensor.sizes() == shape && (shape.back() <= 1 || tensor.stride(-1) == 1),
      operation, ": ", name, " is ", tensor.toString(), " ", tensor.sizes(), " with strides ", tensor.strides(), " on ",
      tensor.device(), ", expected ", shape, " on ", like.device(), " with a contiguous last dimension.");
}

}  // namespace jet::cuda
