#include "RowView.h"

#include <c10/util/Exception.h>

namespace jet {

at::Tensor with_rows(const char *operation, const char *name, const at::Tensor &tensor) {
  TORCH_CHECK(tensor.device().is_cpu() && tensor.dim() >= 1 &&
                  (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16),
              operation, ": ", name, " is ", tensor.toString(), " ", tensor.sizes(),
              ", expected a float32 or bfloat16 tensor of at least one dimension on the CPU.");
  bool fits = tensor.dim() <= 4 && tensor.stride(-1) == 1;
  return fits ? tensor : tensor.contiguous();
}

RowView rows_of(const at::Tensor &tensor) {
  RowView view{{1, 1, 1}, {0, 0, 0}, tensor.size(-1)};
  int64_t leading = tensor.dim() - 1;
  if (leading > 3) {
    // with_rows made it contiguous.
    view.sizes[2] = tensor.numel() / std::max<int64_t>(1, view.width);
    view.strides[2] = view.width;
    return view;
  }
  for (int64_t i = 0; i < leading; ++i) {
    view.sizes[3 - leading + i] = tensor.size(i);
    view.strides[3 - leading + i] = tensor.stride(i);
  }
  return view;
}

}  // namespace jet
