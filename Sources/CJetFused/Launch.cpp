// Launch.cpp: the run-time compiler, the driver, and the table of kernels.
#include "Launch.h"

#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "Sources.h"

namespace jet::fused {
namespace {

/// A shared library that is opened by the first of some names.
class Library {
 public:
  Library(const char *what, std::initializer_list<const char *> names) : what_(what) {
    for (const char *name : names)
      if (!handle_) handle_ = dlopen(name, RTLD_NOW | RTLD_GLOBAL);
    TORCH_CHECK(handle_, what_, " does not load (", dlerror(), "); put its folder into LD_LIBRARY_PATH.");
  }

  template <typename Function>
  Function *find(const char *name) const {
    auto *found = reinterpret_cast<Function *>(dlsym(handle_, name));
    TORCH_CHECK(found, what_, " lacks the function ", name, "; install the one of CUDA 12 or 13.");
    return found;
  }

 private:
  const char *what_;
  void *handle_ = nullptr;
};

using Module = void *;
using Function = void *;

// The functions of the driver and of the compiler that are used, declared as in their manuals.
struct Driver {
  Library library{"CUDA's driver", {"libcuda.so.1"}};
  int (*current_context)(void **) = library.find<int(void **)>("cuCtxGetCurrent");
  int (*retain_context)(void **, int) = library.find<int(void **, int)>("cuDevicePrimaryCtxRetain");
  int (*enter_context)(void *) = library.find<int(void *)>("cuCtxSetCurrent");
  int (*context_device)(int *) = library.find<int(int *)>("cuCtxGetDevice");
  int (*attribute)(int *, int, int) = library.find<int(int *, int, int)>("cuDeviceGetAttribute");
  int (*load)(Module *, const void *) = library.find<int(Module *, const void *)>("cuModuleLoadData");
  int (*find)(Function *, Module,
              const char *) = library.find<int(Function *, Module, const char *)>("cuModuleGetFunction");
  int (*launch)(Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **,
                void **) = library.find<int(Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                                            unsigned, void *, void **, void **)>("cuLaunchKernel");
  int (*blocks_held)(int *, Function, int, size_t) =
      library.find<int(int *, Function, int, size_t)>("cuOccupancyMaxActiveBlocksPerMultiprocessor");
  int (*describe)(int, const char **) = library.find<int(int, const char **)>("cuGetErrorString");

  void check(int status, const char *doing) const {
    if (status == 0) return;
    const char *text = "unknown";
    describe(status, &text);
    TORCH_CHECK(false, doing, " failed: ", text, " (", status, ")");
  }
};

const Driver &driver() {
  static const Driver made;
  return made;
}

std::vector<char> compiled(int major, int minor) {
  Library library{"CUDA's run-time compiler", {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"}};
  using Program = void *;
  auto create = library.find<int(Program *, const char *, const char *, int, const char *const *, const char *const *)>(
      "nvrtcCreateProgram");
  auto compile = library.find<int(Program, int, const char *const *)>("nvrtcCompileProgram");
  auto log_size = library.find<int(Program, size_t *)>("nvrtcGetProgramLogSize");
  auto log = library.find<int(Program, char *)>("nvrtcGetProgramLog");
  auto size = library.find<int(Program, size_t *)>("nvrtcGetCUBINSize");
  auto binary = library.find<int(Program, char *)>("nvrtcGetCUBIN");
  auto destroy = library.find<int(Program *)>("nvrtcDestroyProgram");
  Program program = nullptr;
  TORCH_CHECK(create(&program, source, "jet.cu", 0, nullptr, nullptr) == 0, "a CUDA program could not be made");
  const std::string target = "--gpu-architecture=sm_" + std::to_string(major) + std::to_string(minor);
  const char *options[] = {target.c_str(), "--std=c++17"};
  const int status = compile(program, 2, options);
  size_t count = 0;
  if (status != 0) {
    log_size(program, &count);
    std::vector<char> text(count + 1);
    log(program, text.data());
    destroy(&program);
    TORCH_CHECK(false, "compiling Jet's kernels for compute capability ", major, ".", minor, " failed (", status,
                "): ", text.data());
  }
  size(program, &count);
  std::vector<char> made(count);
  binary(program, made.data());
  destroy(&program);
  return made;
}

/// One of the current GPU's attributes, by its number in cuda.h.
int attribute(int number) {
  int device = 0, value = 0;
  driver().check(driver().context_device(&device), "asking for the current GPU");
  driver().check(driver().attribute(&value, number, device), "asking for a GPU's attribute");
  return value;
}

/// The kernel `name` on the current device.
Function function(const std::string &name, int device) {
  static std::mutex mutex;
  static std::map<int, Module> modules;
  static std::map<std::pair<int, std::string>, Function> functions;
  std::lock_guard<std::mutex> lock(mutex);
  auto &found = functions[{device, name}];
  if (found) return found;
  auto &module = modules[device];
  if (!module) {
    // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR.
    const int major = attribute(75), minor = attribute(76);
    TORCH_CHECK(major >= 8, "Jet's kernels need a GPU of compute capability 8.0 or more, not ", major, ".", minor);
    driver().check(driver().load(&module, compiled(major, minor).data()), "loading Jet's kernels");
  }
  driver().check(driver().find(&found, module, name.c_str()), "finding a kernel");
  return found;
}

/// The form of a kernel for elements of `type`.
Function function(const std::string &name, at::ScalarType type, c10::Device device) {
  TORCH_CHECK(type == at::kFloat || type == at::kBFloat16, name, ": elements are ", type,
              ", expected float32 or bfloat16");
  return function(name + (type == at::kFloat ? "_float" : "_bf16"), device.index());
}

/// Makes `device` the current one, also in a thread that has not called CUDA's runtime yet, as libtorch's threads for
/// gradients have not when their first kernel is one of ours.
struct Entered {
  c10::DeviceGuard guard;

  explicit Entered(c10::Device device) : guard(device) {
    void *context = nullptr;
    driver().check(driver().current_context(&context), "asking for the current context");
    if (context) return;
    driver().check(driver().retain_context(&context, device.index()), "asking for a GPU's context");
    driver().check(driver().enter_context(context), "entering a GPU's context");
  }
};

}  // namespace

Grid resident(const std::string &name, const at::Tensor &like, Grid wanted) {
  Entered entered(like.device());
  int held = 0;
  driver().check(driver().blocks_held(&held, function(name, like.scalar_type(), like.device()), wanted.threads,
                                      wanted.shared_bytes),
                 name.c_str());
  // CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT.
  wanted.blocks = std::min<int64_t>(wanted.blocks, int64_t(std::max(held, 1)) * attribute(16));
  return wanted;
}

void launch_with(const std::string &name, at::ScalarType type, c10::Device device, Grid grid, void **arguments) {
  if (grid.blocks == 0) return;
  TORCH_CHECK(grid.blocks < (int64_t(1) << 31), name, ": ", grid.blocks, " blocks are too many");
  Entered entered(device);
  const auto stream = c10::impl::VirtualGuardImpl(device.type()).getStream(device);
  driver().check(driver().launch(function(name, type, device), static_cast<unsigned>(grid.blocks), 1, 1, grid.threads,
                                 1, 1, grid.shared_bytes, stream.native_handle(), arguments, nullptr),
                 name.c_str());
}

namespace {

bool is_aligned(const at::Tensor &x, int together = 4) {
  return reinterpret_cast<uintptr_t>(x.const_data_ptr()) % (together * x.element_size()) == 0;
}

}  // namespace

at::Tensor packed(const at::Tensor &x, int together) {
  if (!x.is_contiguous()) return x.contiguous();
  return is_aligned(x, together) ? x : x.clone();
}

at::Tensor as_matrix(const at::Tensor &x) {
  const int64_t columns = x.size(-1);
  const auto rows = x.reshape({columns == 0 ? 0 : x.numel() / columns, columns});
  return columns <= 1 || rows.stride(1) == 1 ? rows : rows.contiguous();
}

std::optional<Rows> rows_of(const at::Tensor &x) {
  const auto width = x.size(-1);
  if (!is_aligned(x)) return std::nullopt;
  if (x.is_contiguous()) return Rows{width, 1, static_cast<int>(width)};
  const auto rank = x.dim();
  const bool has_heads = rank == 4 && x.stride(2) == width;
  const bool is_regular = (has_heads || rank == 3) && x.stride(-1) == 1 &&
                          (x.size(0) == 1 || x.stride(0) == x.size(1) * x.stride(1)) && x.stride(1) % 4 == 0;
  if (!is_regular) return std::nullopt;
  return Rows{x.stride(1), has_heads ? static_cast<int>(x.size(2)) : 1, static_cast<int>(width)};
}

at::Tensor with_rows(const at::Tensor &x, Rows &rows) {
  const auto found = rows_of(x);
  rows = found.value_or(Rows{x.size(-1), 1, static_cast<int>(x.size(-1))});
  return found ? x : x.clone(at::MemoryFormat::Contiguous);
}

}  // namespace jet::fused
