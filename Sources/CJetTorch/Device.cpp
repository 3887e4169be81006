// Generators, devices and threads.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <mutex>

#include "Protect.h"

namespace {

c10::DeviceAllocator *allocator_of(c10::Device device) {
  TORCH_CHECK(device.is_cuda(), "memory is counted for CUDA devices only");
  return at::getDeviceAllocator(device.type());
}

c10::DeviceIndex index_of(c10::Device device) { return device.has_index() ? device.index() : c10::DeviceIndex(0); }

}  // namespace

namespace jt {

at::Generator &generator(jt_generator handle) { return *reinterpret_cast<at::Generator *>(handle); }

}  // namespace jt

jt_status jt_generator_create(jt_device device, uint64_t seed, jt_generator *out) {
  return jt::protect([&] {
    auto where = jt::device(device);
    at::Generator made;
    if (where.is_cpu()) {
      made = at::make_generator<at::CPUGeneratorImpl>(seed);
    } else {
      at::globalContext().lazyInitDevice(c10::kCUDA);
      made = at::detail::getCUDAHooks().getNewGenerator(where.index());
      made.set_current_seed(seed);
    }
    *out = reinterpret_cast<jt_generator>(new at::Generator(made));
  });
}

jt_status jt_generator_release(jt_generator generator) {
  return jt::protect([&] { delete reinterpret_cast<at::Generator *>(generator); });
}

jt_status jt_generator_state(jt_generator generator, jt_tensor *out) {
  return jt::protect([&] { *out = jt::give(jt::generator(generator).get_state()); });
}

jt_status jt_generator_set_state(jt_generator generator, jt_tensor state) {
  return jt::protect([&] { jt::generator(generator).set_state(jt::borrow(state)); });
}

jt_status jt_cuda_load(void) {
  return jt::protect([&] {
    static std::mutex mutex;
    static bool loaded = false;
    std::lock_guard<std::mutex> lock(mutex);
    if (loaded) return;
    // Global, so that our own CUDA library finds its symbols.
    TORCH_CHECK(dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL), "libtorch's CUDA part does not load: ", dlerror());
    TORCH_CHECK(at::globalContext().hasCUDA(), "libtorch's CUDA part is loaded but finds no CUDA driver or device");
    at::globalContext().lazyInitDevice(c10::kCUDA);
    loaded = true;
  });
}

jt_status jt_library_open(const char *path) {
  return jt::protect([&] { TORCH_CHECK(dlopen(path, RTLD_NOW | RTLD_GLOBAL), dlerror()); });
}

jt_status jt_cuda_device_count(int32_t *out) {
  return jt::protect([&] { *out = at::detail::getCUDAHooks().deviceCount(); });
}

jt_status jt_device_synchronize(jt_device device) {
  return jt::protect([&] {
    auto where = jt::device(device);
    if (where.is_cpu()) return;
    c10::impl::VirtualGuardImpl(where.type()).synchronizeDevice(index_of(where));
  });
}

jt_status jt_device_memory(jt_device device, int64_t *free_bytes, int64_t *total_bytes) {
  return jt::protect([&] {
    auto where = jt::device(device);
    auto [available, total] = allocator_of(where)->getMemoryInfo(index_of(where));
    *free_bytes = static_cast<int64_t>(available);
    *total_bytes = static_cast<int64_t>(total);
  });
}

jt_status jt_device_allocated(jt_device device, int64_t *current_bytes, int64_t *peak_bytes) {
  return jt::protect([&] {
    auto where = jt::device(device);
    const auto stats = allocator_of(where)->getDeviceStats(index_of(where));
    const auto &all = stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)];
    *current_bytes = all.current;
    *peak_bytes = all.peak;
  });
}

jt_status jt_device_release_cached(jt_device device) {
  return jt::protect([&] { allocator_of(jt::device(device))->emptyCache(); });
}

jt_status jt_cuda_set_tf32(bool allowed) {
  return jt::protect([&] { at::globalContext().setAllowTF32CuBLAS(allowed); });
}

int32_t jt_thread_count(void) { return at::get_num_threads(); }

jt_status jt_set_thread_count(int32_t count) {
  return jt::protect([&] {
    TORCH_CHECK(count > 0, "the number of threads must be at least 1, not ", count);
    at::set_num_threads(count);
  });
}

const char *jt_torch_version(void) { return TORCH_VERSION; }
