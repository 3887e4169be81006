// WindowStep.cu: one thread a channel of a row.

#include "WindowStep.h"

#include "StepRows.cuh"

namespace jet::cuda {
namespace {

constexpr int kThreads = 128;

/// Where a thread's channel lies.
struct Place {
  int64_t out;     // in out; -1 of a thread that has no channel
  int64_t window;  // the first number of its window; -1 where the row's slot is none of the pool's

  __device__ explicit Place(const WindowStepCall &call) {
    int channel = blockIdx.x * kThreads + threadIdx.x, row = blockIdx.y;
    bool is_there = channel < call.channels;
    int slot = is_there ? __ldcg(call.slots + row) : 0;
    out = is_there ? int64_t(row) * call.channels + channel : -1;
    window = slot >= 0 && slot < call.slot_count ? (int64_t(slot) * call.channels + channel) * call.taps : -1;
  }
};

template <typename T>
__device__ T input(const WindowStepCall &call) {
  return static_cast<const T *>(call.x)[blockIdx.y * call.x_row + blockIdx.x * kThreads + threadIdx.x];
}

template <typename T>
__global__ void __launch_bounds__(kThreads) convolution(WindowStepCall call, bool is_quad) {
  await_earlier_grids();
  Place place(call);
  if (place.out < 0) return;
  float y = NAN;
  if (place.window >= 0) {
    int channel = blockIdx.x * kThreads + threadIdx.x;
    y = convolve(static_cast<T *>(call.window) + place.window,
                 static_cast<const T *>(call.weight) + channel * call.taps, call.taps, is_quad, input<T>(call));
    if (call.bias) y += wide(static_cast<const T *>(call.bias)[channel]);
    y = silu(y);
  }
  static_cast<T *>(call.out)[place.out] = narrow<T>(y);
}

template <typename T>
__global__ void __launch_bounds__(kThreads) shift(WindowStepCall call) {
  await_earlier_grids();
  Place place(call);
  if (place.out < 0) return;
  T before = narrow<T>(NAN);
  if (place.window >= 0) {
    T *window = static_cast<T *>(call.window) + place.window;
    before = *window;
    *window = input<T>(call);
  }
  static_cast<T *>(call.out)[place.out] = before;
}

template <typename... Parameters, typename... Arguments>
cudaError_t launch(const WindowStepCall &call, void (*kernel)(WindowStepCall, Parameters...),
                   const Arguments &...arguments) {
  DeviceLimits limits;
  if (cudaError_t error = DeviceLimits::find(limits); error != cudaSuccess) return error;
  dim3 grid((call.channels + kThreads - 1) / kThreads, call.rows);
  return launch_dependent(limits, kernel, grid, kThreads, 0, 1, call.stream, call, arguments...);
}

}  // namespace

cudaError_t convolution_step(const WindowStepCall &call) {
  size_t quad = call.half ? 4 * sizeof(__nv_bfloat16) : 4 * sizeof(float);
  bool is_quad = call.taps == 4 && is_aligned(call.window, quad) && is_aligned(call.weight, quad);
  return call.half ? launch(call, convolution<__nv_bfloat16>, is_quad) : launch(call, convolution<float>, is_quad);
}

cudaError_t token_shift_step(const WindowStepCall &call) {
  return call.half ? launch(call, shift<__nv_bfloat16>) : launch(call, shift<float>);
}

}  // namespace jet::cuda
