// Launch.h: kernels by name, compiled when the first one is asked for.
//
// The text of the kernels is compiled by CUDA's run-time compiler (NVRTC, a part of every libtorch for CUDA) for the
// GPU that is there. So building Jet needs no CUDA, and the program needs the GPU's libraries only where it uses a GPU.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace jet::fused {

/// Where the rows of a tensor lie; the kernels' `Rows`.
struct Rows {
  long long pitch;
  int heads, width;
};

struct Grid {
  int64_t blocks;
  int threads;
  int shared_bytes = 0;
};

/// `wanted`, but no more blocks than the GPU of `like` holds of kernel `name` at once: for kernels that walk over their
/// work.
Grid resident(const std::string &name, const at::Tensor &like, Grid wanted);

/// Starts the form of kernel `name` for elements of `type` on the current stream of `device`.
void launch_with(const std::string &name, at::ScalarType type, c10::Device device, Grid grid, void **arguments);

/// As `launch_with`; the arguments have exactly the types of the kernel's parameters.
template <typename... Arguments>
void launch(const std::string &name, const at::Tensor &like, Grid grid, Arguments... arguments) {
  void *addresses[] = {&arguments...};
  launch_with(name, like.scalar_type(), like.device(), grid, addresses);
}

/// The elements of `x`. (The typed accessor of libtorch is mangled differently by GCC, which built it.)
template <typename Number>
const Number *numbers(const at::Tensor &x) {
  return static_cast<const Number *>(x.const_data_ptr());
}

/// Enough blocks of 256 threads for `count` threads.
inline Grid threads_for(int64_t count) { return {(count + 255) / 256, 256}; }

/// Where the rows of `x` lie, if its last dimension lies without gaps, its rows are aligned for reads of four elements,
/// and `Rows` can describe them.
std::optional<Rows> rows_of(const at::Tensor &x);

/// `x`, or a copy of it, whose last dimension lies without gaps and whose rows `Rows` can describe.
at::Tensor with_rows(const at::Tensor &x, Rows &rows);

/// `x` in row-major order, aligned for reads of so many elements.
at::Tensor packed(const at::Tensor &x, int together = 4);

/// `x`, or a copy of it, with all dimensions but the last made one, and the numbers of a row side by side.
at::Tensor as_matrix(const at::Tensor &x);

/// From row to row of a matrix.
inline long long pitch(const at::Tensor &matrix) { return matrix.stride(0); }

}  // namespace jet::fused
