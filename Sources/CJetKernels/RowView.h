// RowView.h: the rows of tensors whose last dimension is contiguous and whose others need not be.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace jet {

/// The rows of a tensor of at most three dimensions and a last one; strides in elements.
struct RowView {
  int64_t sizes[3];
  int64_t strides[3];
  int64_t width;

  int64_t count() const { return sizes[0] * sizes[1] * sizes[2]; }

  int64_t offset(int64_t row) const {
    int64_t inner = row % sizes[2];
    int64_t rest = row / sizes[2];
    return rest / sizes[1] * strides[0] + rest % sizes[1] * strides[1] + inner * strides[2];
  }
};

/// `tensor`, or a copy of it that has rows as RowView describes them. Throws unless it is a float32
/// or bfloat16 tensor with at least one dimension on the CPU.
at::Tensor with_rows(const char *operation, const char *name, const at::Tensor &tensor);

/// The rows of a tensor that came from with_rows.
RowView rows_of(const at::Tensor &tensor);

}  // namespace jet
