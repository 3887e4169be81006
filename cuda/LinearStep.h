// LinearStep.h: the matrix products of a decode step as plain functions of pointers, sizes and a stream.
//
//     h = x / √(mean(x²) + ε) · w, if there is a norm, and silu(h) if asked for
//     y = W h + b, or silu(W₁ h + b₁) · (W₂ h + b₂) with W₁ the upper half of the rows of W and W₂ the lower
//     result = y + residual, if there is one
// with float32 sums; h, each product and the result are rounded to the type of x.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace jet::cuda {

/// Rows whose elements are contiguous; the stride is in elements.
struct Rows {
  const void *data;
  int64_t stride;
};

/// One call; all pointers are of the device, optional ones null, and all numbers of one type.
struct LinearStepCall {
  int rows;  // N
  int in;
  int out;             // of the result
  Rows x;              // [N, in]
  const void *weight;  // [out, in], or [2 out, in] where the output is gated
  const void *bias;    // as long as the weight has rows
  const void *norm;    // [in]
  float eps;
  bool activates_input;
  bool gates_output;
  Rows residual;  // [N, out]
  void *result;   // [N, out]
  cudaStream_t stream;

  constexpr int weight_rows() const { return gates_output ? 2 * out : out; }
};

/// Whether `linear_step_few` takes the call: bfloat16, few rows, everything aligned to 16 bytes, and room for the
/// inputs.
cudaError_t linear_step_fits(const LinearStepCall &call, bool &fits);

/// All of it in one kernel that reads the weight once, as fast as memory gives it. A row of the result has the same
/// bits whatever the other rows hold and however many there are.
///
/// While a graph is captured, the kernel is allowed to read its weight, norm and bias before the kernels before it have
/// ended: no kernel of the graph may write them.
cudaError_t linear_step_few(const LinearStepCall &call);

/// h of all rows into `prepared` [N, in]; `half` for bfloat16, else float32.
cudaError_t prepare_rows(const LinearStepCall &call, bool half, void *prepared);

/// The result from `product` [N, rows of the weight], which has the bias.
cudaError_t finish_rows(const LinearStepCall &call, bool half, const void *product);

}  // namespace jet::cuda
