// ColumnSums.cpp: sums of columns; see ColumnSums.cu.inc.
#include "ColumnSums.h"

#include <ATen/ATen.h>

#include "Launch.h"

namespace jet::fused {

at::Tensor column_sums(const at::Tensor &parts, at::ScalarType type) {
  const int rows = static_cast<int>(parts.size(0)), columns = static_cast<int>(parts.size(1));
  at::Tensor sums = at::empty({columns}, parts.options().dtype(type));
  launch("column_sums", sums, Grid{(columns + 31) / 32, 1024}, numbers<float>(parts), sums.mutable_data_ptr(), rows,
         columns);
  return sums;
}

}  // namespace jet::fused
