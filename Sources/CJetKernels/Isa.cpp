#include "Isa.h"

#include <c10/util/Exception.h>

#include <atomic>
#include <cstdlib>
#include <optional>
#include <string>

#include "include/CJetKernels.h"

namespace jet {
namespace {

bool is_supported(Isa isa) {
#if JET_X86
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  switch (isa) {
    case Isa::portable: return true;
    case Isa::avx2: return avx2;
    case Isa::avx512: return avx512;
    case Isa::avx512bf16: return avx512 && __builtin_cpu_supports("avx512bf16");
  }
  return false;
#else
  return isa == Isa::portable;
#endif
}

constexpr Isa all[] = {Isa::avx512bf16, Isa::avx512, Isa::avx2, Isa::portable};

std::optional<Isa> named(const std::string &name) {
  for (Isa isa : all) {
    if (name == isa_name(isa)) return isa;
  }
  return std::nullopt;
}

Isa initial() {
  const char *wanted = std::getenv("JET_ISA");
  if (wanted && *wanted) {
    std::optional<Isa> isa = named(wanted);
    TORCH_CHECK(isa, "JET_ISA is \"", wanted,
                "\", expected portable, avx2, avx512 or avx512bf16: correct or unset it.");
    TORCH_CHECK(is_supported(*isa), "JET_ISA is \"", wanted,
                "\", which this processor does not support: unset it or name a smaller one.");
    return *isa;
  }
  for (Isa isa : all) {
    if (is_supported(isa)) return isa;
  }
  return Isa::portable;
}

std::atomic<int> chosen{-1};
/// What jet_force_isa asked for on this thread; -1 for what the process runs with.
thread_local int forced = -1;

}  // namespace

const char *isa_name(Isa isa) {
  switch (isa) {
    case Isa::portable: return "portable";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::avx512bf16: return "avx512bf16";
  }
  return "portable";
}

Isa current_isa() {
  if (forced >= 0) return static_cast<Isa>(forced);
  int isa = chosen.load(std::memory_order_relaxed);
  if (isa < 0) {
    isa = static_cast<int>(initial());
    chosen.store(isa, std::memory_order_relaxed);
  }
  return static_cast<Isa>(isa);
}

}  // namespace jet

extern "C" const char *jet_isa_name(void) {
  try {
    return jet::isa_name(jet::current_isa());
  } catch (...) {
    return nullptr;
  }
}

extern "C" int jet_force_isa(const char *name) {
  if (!name) {
    jet::forced = -1;
    return 0;
  }
  try {
    std::optional<jet::Isa> isa = jet::named(name);
    if (!isa || !jet::is_supported(*isa)) return -1;
    jet::forced = static_cast<int>(*isa);
    return 0;
  } catch (...) {
    return -1;
  }
}
