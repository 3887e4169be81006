#include "Arguments.h"

#include <c10/util/Exception.h>

#include <algorithm>

namespace jet {

void check_tensor(const char *operation, const char *name, const at::Tensor &tensor, at::ScalarType dtype,
                  at::IntArrayRef shape) {
  TORCH_CHECK(tensor.defined() && tensor.device().is_cpu() && tensor.scalar_type() == dtype &&
                  tensor.sizes() == shape && tensor.is_contiguous(),
              operation, ": ", name, " is ", tensor.toString(), " ", tensor.sizes(),
              tensor.is_contiguous() ? "" : " and not contiguous", ", expected a contiguous ", dtype, " tensor ", shape,
              " on the CPU.");
}

void check_distinct(const char *operation, const char *what, std::vector<int32_t> places) {
  std::sort(places.begin(), places.end());
  auto twice = std::adjacent_find(places.begin(), places.end());
  TORCH_CHECK(twice == places.end(), operation, ": two sequences write to ", what, " ", *twice,
              ", expected each to have one of its own.");
}

void check_activations(const char *operation, const at::Tensor &x) {
  TORCH_CHECK(x.device().is_cpu() && x.dim() == 2 && x.is_contiguous() && x.numel() > 0 &&
                  (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16),
              operation, ": x is ", x.toString(), " ", x.sizes(),
              ", expected a contiguous, non-empty float32 or bfloat16 matrix [sequences, width] "
              "on the CPU.");
}

Values checked_values(const char *operation, const char *name, const at::Tensor &tensor, int64_t count) {
  TORCH_CHECK(tensor.device().is_cpu() && tensor.dim() == 1 && tensor.size(0) == count && tensor.is_contiguous() &&
                  (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16),
              operation, ": ", name, " is ", tensor.toString(), " ", tensor.sizes(),
              ", expected a contiguous float32 or bfloat16 vector of ", count, " on the CPU.");
  Values values;
  if (tensor.scalar_type() == at::kFloat) {
    values.floats = numbers<float>(tensor);
  } else {
    values.halves = numbers<c10::BFloat16>(tensor);
  }
  return values;
}

Values checked_values(const char *operation, const char *name, const std::optional<at::Tensor> &tensor, int64_t count) {
  if (!tensor || !tensor->defined()) return {};
  return checked_values(operation, name, *tensor, count);
}

}  // namespace jet
