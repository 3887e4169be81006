// JetBlockStepRegistration.cpp: the CUDA implementation of jet::jet_block_step, for libtorch's dispatcher.

#include <ATen/ATen.h>
#include <ATen/MemoryOverlap.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include "JetBlockStep.h"

namespace jet::cuda {
namespace {

/// Throws unless `tensor` is contiguous, of `dtype` and `shape`, on the device of `like`.
void check_whole(const char *name, const at::Tensor &tensor, const at::Tensor &like, at::ScalarType dtype,
                 at::IntArrayRef shape) {
  TORCH_CHECK(tensor.device() == like.device() && tensor.scalar_type() == dtype && tensor.sizes() == shape &&
                  tensor.is_contiguous(),
              "jet_block_step: ", name, " is ", tensor.toString(), " ", tensor.sizes(), " with strides ",
              tensor.strides(), " on ", tensor.device(), ", expected ", dtype, " ", shape, " on ", like.device(),
              ", contiguous.");
}

/// A vector of `count` numbers, float32 or of the type of `like`.
StepVector checked_vector(const char *name, const at::Tensor &tensor, const at::Tensor &like, int64_t count) {
  check_whole(name, tensor, like, tensor.scalar_type() == like.scalar_type() ? like.scalar_type() : at::kFloat,
              {count});
  return {tensor.const_data_ptr(), tensor.scalar_type() == at::kBFloat16};
}

at::Tensor step(const at::Tensor &projected, const at::Tensor &taps, const at::Tensor &a_log, const at::Tensor &dt_bias,
                const at::Tensor &norm, double eps, const at::Tensor &window, const at::Tensor &memory,
                const at::Tensor &slots) {
  at::ScalarType dtype = projected.scalar_type();
  TORCH_CHECK(projected.dim() == 2 && (projected.size(1) <= 1 || projected.stride(1) == 1) &&
                  (dtype == at::kFloat || dtype == at::kBFloat16),
              "jet_block_step: projected is ", projected.toString(), " ", projected.sizes(), " with strides ",
              projected.strides(), ", expected a float32 or bfloat16 matrix of contiguous rows.");
  TORCH_CHECK(memory.dim() == 4 && memory.numel() > 0 && window.dim() == 3 && window.size(2) > 0,
              "jet_block_step: memory is ", memory.sizes(), " and window ", window.sizes(),
              ", expected [slots, heads, key width, value width] and [slots, heads * value width, taps], not empty.");
  int64_t rows = projected.size(0), count = memory.size(0), heads = memory.size(1);
  int64_t key_width = memory.size(2), value_width = memory.size(3), width = window.size(2);
  int64_t keys = heads * key_width, channels = heads * value_width;
  TORCH_CHECK(key_width <= kMostStepWidth && value_width <= kMostStepWidth, "jet_block_step: memory is ",
              memory.sizes(), ", expected a key width and a value width of at most ", kMostStepWidth, ".");
  TORCH_CHECK(projected.size(1) >= 2 * keys + 2 * channels + 2 * heads, "jet_block_step: projected is ",
              projected.sizes(), ", expected at least ", 2 * keys + 2 * channels + 2 * heads,
              " columns for a memory of ", memory.sizes(), ".");
  TORCH_CHECK(
      rows <= kMostStepGrid && heads <= kMostStepGrid && count < (int64_t(1) << 31) && width < (int64_t(1) << 31),
      "jet_block_step: projected is ", projected.sizes(), ", memory ", memory.sizes(), " and window ", window.sizes(),
      ", too many rows, heads, slots or taps for one call.");
  check_whole("memory", memory, projected, memory.scalar_type() == at::kBFloat16 ? at::kBFloat16 : at::kFloat,
              memory.sizes());
  check_whole("window", window, projected, dtype, {count, channels, width});
  check_whole("taps", taps, projected, dtype, {rows, channels * width});
  check_whole("slots", slots, projected, at::kInt, {rows});
  at::assert_no_overlap(window, memory);

  JetBlockStepCall call{};
  call.rows = static_cast<int>(rows);
  call.heads = static_cast<int>(heads);
  call.key_width = static_cast<int>(key_width);
  call.value_width = static_cast<int>(value_width);
  call.taps = static_cast<int>(width);
  call.slot_count = static_cast<int>(count);
  call.half = dtype == at::kBFloat16;
  call.half_memory = memory.scalar_type() == at::kBFloat16;
  call.eps = static_cast<float>(eps);
  call.projected = projected.const_data_ptr();
  call.projected_row = projected.stride(0);
  call.first_decay = projected.size(1) - 2 * heads;
  call.kernels = taps.const_data_ptr();
  call.log_rate = checked_vector("a_log", a_log, projected, heads);
  call.step_bias = checked_vector("dt_bias", dt_bias, projected, heads);
  call.norm = checked_vector("norm", norm, projected, value_width);
  call.window = window.mutable_data_ptr();
  call.memory = memory.mutable_data_ptr();
  call.slots = static_cast<const int32_t *>(slots.const_data_ptr());

  c10::cuda::CUDAGuard guard(projected.device());
  at::Tensor out = at::empty({rows, channels}, projected.options());
  call.out = out.mutable_data_ptr();
  call.stream = c10::cuda::getCurrentCUDAStream(projected.device().index());
  if (rows == 0) return out;
  cudaError_t error = jet_block_step(call);
  TORCH_CHECK(error == cudaSuccess, "jet_block_step: CUDA reports: ", cudaGetErrorString(error));
  return out;
}

}  // namespace
}  // namespace jet::cuda

TORCH_LIBRARY_IMPL(jet, CUDA, m) { m.impl("jet_block_step", &jet::cuda::step); }
