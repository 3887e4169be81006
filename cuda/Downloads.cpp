// Downloads.cpp: copies to the CPU that nobody waits for until they are needed: jet::download_start and
// download_finish.
#include <ATen/ATen.h>
#include <c10/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include <mutex>
#include <unordered_map>

namespace jet::cuda {
namespace {

/// What each copy under way is over with.
struct Events {
  std::mutex mutex;
  int64_t next = 1;
  std::unordered_map<int64_t, at::cuda::CUDAEvent> pending;

  // Never destroyed: the driver may be gone before a destructor at the program's end would run.
  static Events &shared() {
    static auto *events = new Events;
    return *events;
  }

  int64_t keep(at::cuda::CUDAEvent event) {
    std::lock_guard<std::mutex> lock(mutex);
    pending.emplace(next, std::move(event));
    return next++;
  }

  at::cuda::CUDAEvent take(int64_t handle) {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = pending.find(handle);
    TORCH_CHECK(found != pending.end(), "download_finish: there is no download ", handle, ".");
    at::cuda::CUDAEvent event = std::move(found->second);
    pending.erase(found);
    return event;
  }
};

std::tuple<at::Tensor, at::Tensor> download_start(const at::Tensor &x) {
  at::AutoDispatchBelowADInplaceOrView without_gradients;
  c10::cuda::CUDAGuard guard(x.device());
  // In memory that the GPU writes by itself; libtorch keeps it from others until the copy is done.
  at::Tensor copy = at::empty(x.sizes(), x.options().device(at::kCPU).pinned_memory(true));
  copy.copy_(x, /*non_blocking=*/true);
  at::cuda::CUDAEvent done;
  done.record(c10::cuda::getCurrentCUDAStream(x.device().index()));
  return {copy, at::scalar_tensor(Events::shared().keep(std::move(done)), at::kLong)};
}

void download_finish(int64_t handle, bool waits) {
  at::cuda::CUDAEvent event = Events::shared().take(handle);
  if (waits) event.synchronize();
}

}  // namespace
}  // namespace jet::cuda

TORCH_LIBRARY_IMPL(jet, CUDA, m) { m.impl("download_start", &jet::cuda::download_start); }
TORCH_LIBRARY_IMPL(jet, CompositeExplicitAutograd, m) { m.impl("download_finish", &jet::cuda::download_finish); }
