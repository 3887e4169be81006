// How every function of this library is written: its body inside `protect`, its tensors through `borrow` and `give`.
#pragma once

#include <ATen/ATen.h>
#include <exception>

#include "CJetTorch.h"

namespace jt {

void set_last_error(const char *message) noexcept;
// Without libtorch's backtrace.
void set_last_error(const c10::Error &error) noexcept;
void count_handle(int64_t change) noexcept;

template <typename Body>
jt_status protect(Body &&body) noexcept {
  try {
    body();
    return JT_OK;
  } catch (const c10::Error &error) {
    set_last_error(error);
  } catch (const std::exception &error) {
    set_last_error(error.what());
  } catch (...) {
    set_last_error("unknown C++ exception");
  }
  return JT_ERROR;
}

// The tensor behind a handle, which stays the caller's. A null handle is an undefined tensor.
inline at::Tensor borrow(jt_tensor handle) {
  auto *implementation = reinterpret_cast<c10::TensorImpl *>(handle);
  if (!implementation) return at::Tensor();
  return at::Tensor(
      c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::unsafe_reclaim_from_nonowning(implementation));
}

// A new handle; null for an undefined tensor.
inline jt_tensor give(at::Tensor tensor) {
  if (!tensor.defined()) return nullptr;
  count_handle(1);
  return reinterpret_cast<jt_tensor>(tensor.unsafeReleaseTensorImpl());
}

inline c10::Device device(jt_device handle) {
  TORCH_CHECK(handle.type == 0 || handle.type == 1, "device type ", handle.type, " is neither CPU (0) nor CUDA (1)");
  return c10::Device(handle.type == 0 ? c10::kCPU : c10::kCUDA, static_cast<c10::DeviceIndex>(handle.index));
}

at::Generator &generator(jt_generator handle);

}  // namespace jt
