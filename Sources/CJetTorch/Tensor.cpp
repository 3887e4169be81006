// Handles to tensors: counting, description, memory of others.
#include <atomic>
#include <string>

#include "Protect.h"

namespace {

thread_local std::string last_error;
std::atomic<int64_t> live_handles{0};

}  // namespace

namespace jt {

void set_last_error(const char *message) noexcept {
  try {
    last_error = message;
  } catch (...) {
    last_error.clear();
  }
}

void set_last_error(const c10::Error &error) noexcept { set_last_error(error.what_without_backtrace()); }

void count_handle(int64_t change) noexcept { live_handles.fetch_add(change, std::memory_order_relaxed); }

}  // namespace jt

const char *jt_last_error(void) { return last_error.c_str(); }

jt_status jt_tensor_release(jt_tensor tensor) {
  return jt::protect([&] {
    if (!tensor) return;
    jt::count_handle(-1);
    c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(reinterpret_cast<c10::TensorImpl *>(tensor));
  });
}

int64_t jt_tensor_live_count(void) { return live_handles.load(std::memory_order_relaxed); }

jt_status jt_tensor_describe(jt_tensor tensor, jt_tensor_info *out) {
  return jt::protect([&] {
    const auto &implementation = *reinterpret_cast<c10::TensorImpl *>(tensor);
    const auto device = implementation.device();
    out->sizes = implementation.sizes().data();
    out->strides = implementation.strides().data();
    out->rank = static_cast<int32_t>(implementation.dim());
    out->scalar_type = static_cast<int32_t>(c10::typeMetaToScalarType(implementation.dtype()));
    out->device = {device.is_cpu() ? 0 : 1, device.index()};
    out->element_count = implementation.numel();
    out->element_bytes = static_cast<int64_t>(implementation.itemsize());
    out->is_contiguous = implementation.is_contiguous();
    out->requires_gradient = jt::borrow(tensor).requires_grad();
    out->data = implementation.numel() == 0 ? nullptr : const_cast<void *>(implementation.data());
  });
}

jt_status jt_tensor_wrap(void *data, const int64_t *sizes, int32_t rank, int32_t scalar_type,
                         void (*release)(void *context), void *context, jt_tensor *out) {
  // From here on `owner` calls `release`, whatever happens.
  return jt::protect([&] {
    std::shared_ptr<void> owner(context, release);
    auto options = at::TensorOptions().dtype(static_cast<c10::ScalarType>(scalar_type)).device(at::kCPU);
    *out = jt::give(at::from_blob(data, c10::IntArrayRef(sizes, rank), [owner](void *) {}, options));
  });
}
