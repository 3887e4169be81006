// Arguments.h: what the step operators ask of their tensors, and vectors that come in either dtype.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/BFloat16.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace jet {

/// The numbers of `tensor`, whose dtype has been checked. Not at::Tensor::const_data_ptr<T>(): newer
/// clangs spell that function's name otherwise than the compiler of the libtorch wheel did.
template <typename T>
const T *numbers(const at::Tensor &tensor) {
  return static_cast<const T *>(tensor.const_data_ptr());
}

/// A contiguous vector of float32 or bfloat16 numbers (norm weights, biases); both null if absent.
struct Values {
  const float *floats = nullptr;
  const c10::BFloat16 *halves = nullptr;

  explicit operator bool() const { return floats || halves; }
  float operator[](int64_t i) const { return floats ? floats[i] : static_cast<float>(halves[i]); }
};

/// Throws unless `tensor` is on the CPU, of `dtype`, contiguous and of the sizes `shape`.
void check_tensor(const char *operation, const char *name, const at::Tensor &tensor, at::ScalarType dtype,
                  at::IntArrayRef shape);

/// Throws if two of `places`, each the `what` that one sequence writes to, are the same.
void check_distinct(const char *operation, const char *what, std::vector<int32_t> places);

/// Throws unless `x` is a contiguous float32 or bfloat16 matrix [N, D] on the CPU.
void check_activations(const char *operation, const at::Tensor &x);

/// The `count` numbers of `tensor`; throws unless it is a contiguous float32 or bfloat16 vector.
Values checked_values(const char *operation, const char *name, const at::Tensor &tensor, int64_t count);

/// The same for an argument that may be left out.
Values checked_values(const char *operation, const char *name, const std::optional<at::Tensor> &tensor, int64_t count);

}  // namespace jet
