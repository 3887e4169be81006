#include "Team.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <sched.h>

#include <cstdlib>
#include <new>

namespace jet {
namespace {

using Parallel = void (*)(void (*)(void *), void *, unsigned, unsigned);
using Count = int (*)();

/// The OpenMP runtime that libtorch has loaded; null members if there is none.
struct Runtime {
  Parallel parallel = reinterpret_cast<Parallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
  Count thread = reinterpret_cast<Count>(dlsym(RTLD_DEFAULT, "omp_get_thread_num"));
  Count threads = reinterpret_cast<Count>(dlsym(RTLD_DEFAULT, "omp_get_num_threads"));

  bool usable() const { return parallel && thread && threads; }
};

const Runtime &runtime() {
  static const Runtime shared;
  return shared;
}

struct Region {
  void (*body)(void *, Team &);
  void *context;
  TeamState state;
};

void enter(void *pointer) noexcept {
  Region &region = *static_cast<Region *>(pointer);
  Team team(region.state, runtime().thread(), runtime().threads());
  region.body(region.context, team);
}

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins this often before it lets another program run on the core.
constexpr int spins_before_yield = 4000;

constexpr int64_t line_bytes = 64;
/// Lines asked for between two looks at the barrier.
constexpr int64_t lines_a_look = 4;
/// Not more than this is fetched ahead: a part of the second-level cache.
constexpr int64_t most_bytes_ahead = 256 * 1024;

}  // namespace

void Team::barrier(const void *next, int64_t bytes) {
  if (count == 1) {
    state_.taken.store(0, std::memory_order_relaxed);
    return;
  }
  const char *line = static_cast<const char *>(next);
  int64_t ahead = std::min(bytes, most_bytes_ahead);
  uint32_t phase = state_.phase.load(std::memory_order_relaxed);
  if (state_.arrived.fetch_add(1, std::memory_order_acq_rel) == count - 1) {
    state_.arrived.store(0, std::memory_order_relaxed);
    state_.taken.store(0, std::memory_order_relaxed);
    state_.phase.store(phase + 1, std::memory_order_release);
    return;
  }
  for (int spins = 0; state_.phase.load(std::memory_order_acquire) == phase; ++spins) {
    if (ahead > 0) {
      for (int64_t i = 0; i < lines_a_look; ++i) __builtin_prefetch(line + i * line_bytes, 0, 2);
      line += lines_a_look * line_bytes;
      ahead -= lines_a_look * line_bytes;
    } else if (spins < spins_before_yield) {
      pause();
    } else {
      sched_yield();
    }
  }
}

void run_region(void (*body)(void *, Team &), void *context) {
  Region region{body, context, {}};
  int threads = at::get_num_threads();
  if (threads > 1 && runtime().usable() && !at::in_parallel_region()) {
    runtime().parallel(enter, &region, static_cast<unsigned>(threads), 0);
    return;
  }
  Team team(region.state, 0, 1);
  body(context, team);
}

namespace {

struct Scratch {
  void *memory = nullptr;
  size_t bytes = 0;
  ~Scratch() { std::free(memory); }
};

}  // namespace

void *scratch_bytes(size_t bytes) {
  thread_local Scratch scratch;
  if (bytes > scratch.bytes) {
    size_t rounded = (bytes + 65535) / 65536 * 65536;
    std::free(scratch.memory);
    scratch.memory = nullptr;
    scratch.bytes = 0;
    scratch.memory = std::aligned_alloc(64, rounded);
    if (!scratch.memory) throw std::bad_alloc();
    scratch.bytes = rounded;
  }
  return scratch.memory;
}

}  // namespace jet
