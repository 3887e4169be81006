// ColumnSums.h: the second stage of sums over many rows.
#pragma once

#include <ATen/core/Tensor.h>

namespace jet::fused {

/// The sums of the columns of float32 `parts` [N, W], always in the same order, as `type`: [W].
at::Tensor column_sums(const at::Tensor &parts, at::ScalarType type);

}  // namespace jet::fused
